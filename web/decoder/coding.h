// The coding loop: follow the model's schedule from bytes to latents, as docs/format.md says.

#define ONE 1024
#define MEAN_LIMIT 16384.0f
#define SKIPPED_SCALES 3
#define FIRST_SCALE 14                                    // from which on the lattice has fixed levels
#define LOG_RANGE 7.752452357669283                       // ln(256 / 0.11)
static const float lowest_log = -2.2072749131897207f;     // ln 0.11
static const float indices_per_log = 8.126460775689369f;  // 63 / ln(256 / 0.11)
static const float lowest_z_log = -1.8371105152054694f;   // ln of the scale of index 3, plus 0.001

// What is the same for all tiles of a stream.
typedef struct {
  const Model *model;
  float quality;
  uint32_t step;
  bool lattice;
  Trellis trellis;
  Tables deployed, *rounded[MOST_SETS];  // NULL where no pass has them
  uint16_t expected[MOST_TABLES];        // magnitudes, by the deployed tables
  const uint8_t *offsets;                // planes of int16 (tables, 3); NULL where there are none
  Sha256 *seen;                          // takes all indices; NULL where nobody asks
} Coding;

SMALL_BEGIN
static uint32_t step_at(const Quantizer *one, uint32_t quality) {
  const uint32_t *at = one->quality, *steps = one->step;
  if (quality < at[0]) return steps[0];
  for (uint32_t n = 0; n + 1 < one->points; n++) {
    if (at[n] > quality || quality >= at[n + 1]) continue;
    uint64_t below = quality - at[n], above = at[n + 1] - quality, whole = at[n + 1] - at[n];
    return (uint32_t)((steps[n] * above + steps[n + 1] * below + whole / 2) / whole);
  }
  return steps[one->points - 1];
}

static bool start_coding(Coding *coding, const Model *model, const Stream *stream, Arena *arena) {
  const Quantizer *one = NULL;
  TRY(build_trellis(&coding->trellis, stream->quantizer));
  for (uint32_t n = 0; n < model->quantizers; n++)
    if (model->quantizer[n].number == stream->quantizer) one = model->quantizer + n;
  if (!one) return bad("the model has no tables for the quantizer");
  coding->model = model;
  coding->quality = (float)(stream->quality / (double)HIGHEST_QUALITY);
  coding->step = step_at(one, stream->quality);
  coding->lattice = stream->quantizer == LATTICE;
  TRY(build_tables(&coding->deployed, model->frequencies + one->tables, arena));
  if (coding->deployed.sets != (coding->lattice ? PHASES : coding->trellis.states > 1 ? 2 : 1))
    return bad("tables of the wrong number of level sets");
  for (uint32_t table = 0; table < SCALES * (uint32_t)coding->deployed.sets; table++)
    coding->expected[table] = expected_by(&coding->deployed, table);
  for (uint32_t n = 0; n < model->code_steps; n++) {
    const Step *step = model->step + n;
    if (!step->codes || step->tables == NONE || coding->rounded[step->tables]) continue;
    TRY(coding->rounded[step->tables] = take_from(arena, 1, sizeof(Tables)));
    TRY(build_tables(coding->rounded[step->tables], model->frequencies + step->tables, arena));
  }
  coding->offsets = one->offsets == NONE ? NULL : model->offset[one->offsets].planes;
  if (coding->offsets && model->offset[one->offsets].count != 3 * SCALES * (uint32_t)coding->deployed.sets)
    return bad("offsets have an impossible shape");
  return true;
}

SMALL_END
// How much a step lowers scale indices.
static float scale_offset(uint32_t step) {
  return (float)(rint(log(step / (double)ONE) / (LOG_RANGE / (SCALES - 1)) * 256) / 256);
}

static uint32_t scale_index_of(float log_scale, float offset) {
  float index = (log_scale - lowest_log) * indices_per_log - offset + 0.5f;
  return index >= SCALES ? SCALES - 1 : index >= 1 ? (uint32_t)index : 0;  // 0 of what is no number, too
}

static int32_t fixed_mean(float mean) {
  if (!(mean >= -MEAN_LIMIT && mean <= MEAN_LIMIT)) mean = mean > 0 ? MEAN_LIMIT : mean < 0 ? -MEAN_LIMIT : 0;
  return (int32_t)rintf(mean * ONE);
}

// Make a mean the nearest multiple of the step, and return where it was between two.
static uint32_t to_lattice(int32_t step, int32_t *mean) {
  int32_t above = *mean + step / 2, rest = above % step;
  if (rest < 0) rest += step;
  *mean = above - rest;
  return (uint32_t)(PHASES * rest / step);
}

static int64_t offset_of(const Coding *coding, uint32_t table, int64_t magnitude) {
  if (!coding->offsets) return 0;
  uint32_t count = 3 * SCALES * (uint32_t)coding->deployed.sets,
           at = 3 * table + (magnitude < 3 ? (uint32_t)magnitude : 3) - 1;
  return (int16_t)(coding->offsets[at] | coding->offsets[count + at] << 8);
}

static float latent_of(const Coding *coding, bool rounds, int32_t mean, int32_t index, uint32_t table) {
  int64_t magnitude = index < 0 ? -(int64_t)index : index, value = (int64_t)mean * ONE;
  if (magnitude) {
    int64_t distance =
        (2 * magnitude - table / SCALES) * (ONE / 2) + (rounds ? 0 : offset_of(coding, table, magnitude));
    value += (index < 0 ? -distance : distance) * (rounds ? ONE : coding->step);
  }
  return (float)((double)value / (ONE * ONE));
}

static void see(Sha256 *seen, int32_t index) {
  if (!seen) return;
  uint32_t bits = (uint32_t)index;
  uint8_t bytes[4] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16), (uint8_t)(bits >> 24)};
  sha256_add(seen, bytes, 4);
}

static float affine_log_scale(const Coding *coding, const float *affine, uint32_t channels, uint32_t channel) {
  float log_scale = affine[channel] + affine[channels + channel] * coding->quality;
  return log_scale > lowest_z_log ? log_scale : lowest_z_log;
}

static bool run_pass(const Coding *coding, const Step *step, Tensor *slots, Coder *coder, uint32_t *state,
                     const Ring *ring, Correction *correction) {
  Tensor *planes = slots + step->slot, *means = slots + step->mean, *scales = slots + step->log_scale;
  uint32_t channels = step->stop - step->start;
  const Tensor *given[2] = {step->mean ? means : NULL, step->log_scale ? scales : NULL};
  for (int n = 0; n < 2; n++)
    if (given[n] && (given[n]->channels != channels || given[n]->height != planes->height ||
                     given[n]->width != planes->width))
      return bad("predictions have an impossible shape");
  uint32_t height = planes->height - lines_down(ring), width = planes->width - lines_across(ring);
  uint32_t top = ring->top != NULL, left = ring->left != NULL;
  bool rounds = step->tables != NONE, follows = !rounds && coding->trellis.states > 1,
       lattice = !rounds && coding->lattice, corrects = step->corrects && !lattice;
  const Tables *tables = rounds ? coding->rounded[step->tables] : &coding->deployed;
  float offset = rounds ? 0 : scale_offset(coding->step);
  const float *affine = step->log_scale ? NULL : coding->model->array[step->scale_array].values;
  if (corrects) TRY(correct_pass(correction, step, height, width));
  for (uint32_t channel = 0; channel < channels; channel++) {
    float log_scale = affine ? affine_log_scale(coding, affine, planes->channels, step->start + channel) : 0;
    for (uint32_t row = 0; row < height; row++) {
      const uint8_t *mask = step->mask + row % step->rows * step->columns;
      size_t at = (channel * (size_t)planes->height + row + top) * planes->width + left;
      float *decoded = planes->data + step->start * area_of(planes) + at;
      if (corrects) begin_row(correction, channel, row);
      for (uint32_t column = 0; column < width; column++) {
        if (!mask[column % step->columns]) continue;
        int32_t mean = step->mean ? fixed_mean(means->data[at + column]) : 0, index;
        uint32_t table = scale_index_of(affine ? log_scale : scales->data[at + column], offset), phase = 0;
        decoded[column] = (float)mean / ONE;
        if (table < SKIPPED_SCALES) continue;
        if (follows) table += SCALES * (uint32_t)coding->trellis.set[*state];
        if (corrects) table = corrected(correction, coding->expected, column, table);
        if (lattice && table >= FIRST_SCALE) phase = to_lattice((int32_t)coding->step, &mean);
        TRY(decode_index(coder, tables, table + SCALES * phase, &index));
        if (follows) *state = coding->trellis.next[*state][index & 1];
        if (corrects) note(correction, column, index);
        see(coding->seen, index);
        decoded[column] = latent_of(coding, rounds, mean, index, table);
      }
    }
  }
  show_ring(step, planes, ring);
  return end_pass(coder);
}

static bool run_step(const Model *model, const Step *step, Tensor *slots, uint64_t *work, Arena *arena) {
  Tensor inputs[64], outputs[64];
  for (uint32_t n = 0; n < step->reads; n++) {
    const Read *read = model->read + step->read_at + n;
    inputs[n] = slots[read->slot];
    if (!inputs[n].data || read->stop > inputs[n].channels) return bad("a graph reads what is not there yet");
    inputs[n].owned = false;
    if (!read->stop) continue;
    inputs[n].data += read->start * area_of(inputs + n);
    inputs[n].channels = read->stop - read->start;
  }
  TRY(run_graph(model, model->graph + step->graph, inputs, outputs, work, arena));
  for (uint32_t n = 0; n < step->writes; n++) {
    Tensor *slot = slots + model->write[step->write_at + n];
    give_to(arena, slot->data);
    *slot = outputs[n];
  }
  return true;
}

SMALL_BEGIN
// Return the least stride of a variable whose planes, of sides in pixels, are in what a graph gave; else the largest.
static uint32_t stride_within(const Model *model, const Tensor *output, uint32_t height, uint32_t width) {
  uint32_t found = STRIDE;
  for (uint32_t slot = 1; slot <= model->variables; slot++)
    if (height / model->stride[slot] <= output->height && width / model->stride[slot] <= output->width)
      found = smaller(found, model->stride[slot]);
  return found;
}

// Decode a tile's latents, sides in pixels: all variables, of which the one that becomes the picture is kept.
// A block has a ring, and a place for all its variables, by slot.
static bool decode_latents(const Coding *coding, Part data, uint32_t height, uint32_t width, const Ring *ring,
                           Tensor *variables, Tensor *latents, Arena *arena) {
  const Model *model = coding->model;
  float quality = coding->quality;
  Tensor slots[MOST_SLOTS] = {{1, 1, 1, &quality, false}};
  Coder coder;
  Correction correction = {.arena = arena};
  uint32_t state = 0;
  const Ring *seen = ring ? ring : &no_ring;
  uint64_t work = MOST_WORK * (height + 2 * STRIDE * (uint64_t)(ring != NULL)) * (width + 2 * STRIDE * (ring != NULL));
  TRY(start_coder(&coder, data.data, data.size, ring != NULL));
  for (uint32_t slot = 1; slot <= model->variables; slot++) {
    uint32_t stride = model->stride[slot];
    slots[slot] = (Tensor){model->channels[slot], height / stride + lines_down(seen),
                           width / stride + lines_across(seen), NULL, false};
    TRY(slots[slot].data = take_zeros(arena, slots[slot].channels * (uint64_t)area_of(slots + slot), sizeof(float)));
  }
  for (uint32_t n = 0; n < model->code_steps; n++) {
    const Step *step = model->step + n;
    if (step->codes) {
      TRY(run_pass(coding, step, slots, &coder, &state, seen, &correction));
      continue;
    }
    TRY(run_step(model, step, slots, &work, arena));
    for (uint32_t write = 0; ring && write < step->writes; write++) {
      Tensor *output = slots + model->write[step->write_at + write];
      uint32_t stride = stride_within(model, output, height, width);
      TRY(cut_output(output, height / stride, width / stride, ring, arena));
    }
  }
  for (uint32_t slot = 1; ring && slot <= model->variables; slot++) {
    TRY(cut(slots + slot, ring, 1, 1, arena));
    if (!variables) continue;
    variables[slot] = slots[slot];
    size_t count = slots[slot].channels * area_of(slots + slot);
    TRY(variables[slot].data = take_from(arena, count, sizeof(float)));
    memcpy(variables[slot].data, slots[slot].data, count * sizeof(float));
  }
  give_to(arena, correction.channel);
  *latents = slots[model->y];
  for (uint32_t slot = 1; slot < model->slots; slot++)
    if (slot != model->y) give_to(arena, slots[slot].data);
  return end_coder(&coder);
}
SMALL_END
