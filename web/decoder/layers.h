// Layers: an index digit by digit, sweep by sweep, as docs/format.md says.

#define NESTED 10  // the number of the quantizer of streams in layers
#define MOST_PLANES 8
#define MOST_SWEEPS 4
#define LARGEST_STEP ((uint64_t)1 << 20)
#define EXTENDED 16  // bit beside the radix: the finest step follows, and what planes an adapter is of
#define STEPS_OF_F 2048  // from the middle of F to either end, each 1/256 of a standard deviation
#define ONE_OF_F ((int64_t)1 << 30)

typedef struct {
  uint32_t number, least;  // of its plane, from 1 on
  bool last;
} Sweep;

// What is the same for all tiles.
typedef struct {
  uint32_t radix, planes, dead_zone, sweeps, layers;
  uint32_t step, coarse;  // the finest, 0 for the quantizer's; digits that planes of the adapter lack, 0 for all planes
  uint32_t reached;       // the plane of the last sweep that was decoded
  uint8_t least[MOST_SWEEPS], joined[MOST_LAYERS];
  int64_t F[2 * STEPS_OF_F + 1], scale[SCALES], cost[TOTAL + 1];
  Tables *begin[MOST_PLANES];  // by digits that are missing; NULL until they are needed
} Layering;

typedef struct {
  int64_t power, centre, dead_zone, step;
  uint32_t radix, missing, number;
} Plane;

// What is known of a variable's latents.
typedef struct {
  int32_t *anchor, *index;
  uint8_t *known;  // planes
  float *decoded;
} Nested;

typedef struct {
  int count;
  int64_t end[3];  // of the frequencies of its children
} Digit;

static bool read_layering(Layering *layering, const Stream *stream) {
  const Entry *entry = stream->layers;
  Reader reader = {stream->data + entry->start, (size_t)entry->length, 0, DAMAGED, DAMAGED};
  uint64_t dead_zone, step = 0;
  uint32_t value, kind, sum = 0;
  TRY(read_integer(&reader, 1, &kind) && read_integer(&reader, 1, &layering->planes));
  TRY(read_varint(&reader, &dead_zone));
  layering->radix = kind & ~(uint32_t)EXTENDED;
  if (layering->radix < 2 || layering->radix > 3 || !layering->planes || layering->planes > MOST_PLANES)
    return fail(UNSUPPORTED, "layers of a kind that is not known");
  if (dead_zone > (layering->radix == 2 ? 512 : 0)) return fail(DAMAGED, "layers have an impossible dead zone");
  layering->dead_zone = (uint32_t)dead_zone;
  TRY(read_integer(&reader, 1, &layering->sweeps));
  if (!layering->sweeps || layering->sweeps > MOST_SWEEPS) return fail(DAMAGED, "an impossible number of sweeps");
  bool possible = true;
  for (uint32_t n = 0; n + 1 < layering->sweeps; n++) {
    TRY(read_integer(&reader, 1, &value));
    possible = possible && value && (!n || value < layering->least[n - 1]);
    layering->least[n] = (uint8_t)value;
  }
  TRY(read_integer(&reader, 1, &layering->layers));
  for (uint32_t n = 0; n < layering->layers; n++) {
    TRY(read_integer(&reader, 1, &value));
    possible = possible && value && n < MOST_LAYERS;
    if (n < MOST_LAYERS) layering->joined[n] = (uint8_t)value;
    sum += value;
  }
  if (kind & EXTENDED) {
    TRY(read_varint(&reader, &step) && read_integer(&reader, 1, &layering->coarse));
    possible = possible && step && step <= LARGEST_STEP && layering->coarse < MOST_PLANES;
    layering->step = (uint32_t)step;
  }
  possible = possible && reader.at == reader.size && sum == 1 + (layering->planes - 1) * layering->sweeps;
  return possible || fail(DAMAGED, "the list of layers is impossible");
}

// The layers that each tile has in the stream.
static uint32_t layers_of(const Stream *stream) { return 1 + stream->further / larger(1, stream->layered); }

static double scale_of(uint32_t index) { return 0.11 * exp(index * (LOG_RANGE / (SCALES - 1))); }

static double density(double x) { return exp(-x * x / 2) * 0.3989422804014327; }

static Layering *start_layers(const Stream *stream, Arena *arena) {
  Layering *layering = take_zeros(arena, 1, sizeof(Layering));
  if (!layering || !read_layering(layering, stream)) return NULL;
  double inside = 0;
  for (int n = 0; n <= STEPS_OF_F; n++) {
    int64_t above = (int64_t)(inside * (double)ONE_OF_F + 0.5);
    layering->F[STEPS_OF_F + n] = ONE_OF_F / 2 + above, layering->F[STEPS_OF_F - n] = ONE_OF_F / 2 - above;
    double middle = (n + 0.5) / 256, aside = sqrt(0.6) / 512;  // Gauss and Legendre's rule of three points
    inside += (5 * density(middle - aside) + 8 * density(middle) + 5 * density(middle + aside)) / (18 * 256);
  }
  for (uint32_t n = 0; n < SCALES; n++) layering->scale[n] = (int64_t)(scale_of(n) * 65536 + 0.5);
  for (int n = 1; n <= (int)TOTAL; n++) layering->cost[n] = (int64_t)((16 - log(n) / 0.6931471805599453) * 256 + 0.5);
  return layering;
}

static int64_t clamped(int64_t value, int64_t limit) { return value < -limit ? -limit : value > limit ? limit : value; }

static int64_t F_at(const Layering *layering, int64_t distance, uint32_t scale_index, int64_t step) {
  int64_t spread = layering->scale[scale_index] * step, shifted = clamped(distance, 8 * (spread >> 16) + 8) * (1 << 28);
  int64_t units = shifted / spread - (shifted % spread < 0);
  uint32_t at = (uint32_t)(clamped(units, 1 << 15) + (1 << 15)), rest = at & 15;
  const int64_t *F = layering->F + (at >> 4);
  return rest ? F[0] + ((F[1] - F[0]) * rest >> 4) : F[0];
}

// Turn masses into frequencies.
static void share_out(const int64_t *mass, uint32_t count, uint32_t *frequency) {
  int64_t total = 0, left = TOTAL;
  uint32_t largest = 0;
  for (uint32_t n = 0; n < count; n++) total += mass[n], largest = mass[n] > mass[largest] ? n : largest;
  for (uint32_t n = 0; n < count; n++) {
    int64_t room = TOTAL - count;
    frequency[n] = (uint32_t)(1 + (total ? mass[n] * room / total : room / count));
    left -= frequency[n];
  }
  frequency[largest] += (uint32_t)left;
}

// Make the tables of indices that begin in a plane.
static bool build_beginning(Layering *layering, const Plane *plane, Arena *arena) {
  static int64_t mass[2 * 1023 + 2];
  static uint32_t frequency[2 * 1023 + 2];
  uint32_t most = SCALES * (2 * 1023 + 2), count = 0;
  Frequencies found = {0, NULL};
  uint8_t *low = take_from(arena, 2 * (uint64_t)most, 1), *high = take_from(arena, most, 1);
  TRY(low && high);
  for (uint32_t scale = 0; scale < SCALES; scale++) {
    double reach = ceil(4 * scale_of(scale)) + 2;
    int32_t radius = reach < 1023 ? (int32_t)reach : 1023;
    int64_t before = 0, covered = 0;
    for (int32_t n = -radius - 1; n <= radius; n++) {
      int64_t lowest = plane->power * (n < 0 ? -n : n + 1) - plane->centre;
      int64_t edge = ((2 * lowest - 1) * (ONE / 2) + plane->dead_zone) / plane->power;
      int64_t F = F_at(layering, n < 0 ? -edge : edge, scale, ONE);
      if (n >= -radius) covered += mass[n + radius] = F - before;
      before = F;
    }
    uint32_t symbols = 2 * (uint32_t)radius + 2;
    mass[symbols - 1] = ONE_OF_F - covered;
    share_out(mass, symbols, frequency);
    for (uint32_t n = 0; n < symbols; n++, count++)
      low[count] = (uint8_t)frequency[n], high[count] = (uint8_t)(frequency[n] >> 8);
  }
  memcpy(low + count, high, count);
  found = (Frequencies){count, low};
  TRY(layering->begin[plane->missing] = take_from(arena, 1, sizeof(Tables)));
  TRY(build_tables(layering->begin[plane->missing], &found, arena));
  give_to(arena, low);
  give_to(arena, high);
  return true;
}

static int64_t edge_of(const Plane *plane, int64_t fine) {
  return (((2 * fine + 1) * (ONE / 2) + plane->dead_zone) * plane->step) >> 10;
}

static float middle_of(const Plane *plane, int64_t index, int32_t anchor) {
  int64_t size = index < 0 ? -index : index, value = (int64_t)anchor * ONE;
  int64_t away =
      ((2 * (plane->power * size - plane->centre) + plane->power - 1) * (ONE / 2) + plane->dead_zone) * plane->step;
  if (index) value += index < 0 ? -away : away;
  return (float)((double)value / (ONE * ONE));
}

static Digit digit_of(const Layering *layering, const Plane *plane, int64_t index, int64_t offset, uint32_t scale) {
  int64_t edge[4], radix = plane->radix, power = plane->power, size = index < 0 ? -index : index, mass[3];
  Digit digit = {radix == 2 && index ? 2 : 3, {0}};
  int last = digit.count;
  if (!index) {
    int64_t whole = radix * power;
    edge[2] = edge_of(plane, power - 1 - plane->centre);
    edge[3] = edge_of(plane, whole - 1 - (radix == 3 ? (whole - 1) / 2 : 0));
    edge[0] = -edge[3], edge[1] = -edge[2];
  } else {
    int64_t lowest = power * (radix * size - (radix - 2)) - plane->centre;
    for (int n = 0; n <= last; n++) {
      int64_t found = edge_of(plane, lowest + n * power - 1);
      edge[index < 0 ? last - n : n] = index < 0 ? -found : found;
    }
  }
  int64_t before = F_at(layering, offset + edge[0], scale, power * plane->step);
  for (int n = 0; n < last; n++) {
    int64_t F = F_at(layering, offset + edge[n + 1], scale, power * plane->step);
    mass[n] = F - before, before = F;
  }
  uint32_t frequency[3];
  share_out(mass, (uint32_t)last, frequency);
  for (int n = 0; n < last; n++) digit.end[n] = (n ? digit.end[n - 1] : 0) + frequency[n];
  return digit;
}

static bool is_worth(const Layering *layering, const Plane *plane, const Digit *digit, uint32_t least) {
  const int64_t *cost = layering->cost;
  int64_t first = digit->end[0], second = digit->end[1] - first, third = TOTAL - digit->end[1];
  if (digit->count == 2) return least * (first * cost[first] + second * cost[second]) <= 1 << 28;
  int64_t middle =
      ((2 * (plane->power - plane->centre) + plane->power - 1) * (ONE / 2) + plane->dead_zone) / plane->power;
  int64_t bits = first * cost[first] + second * cost[second] + third * cost[third];
  return least * bits <= (TOTAL - second) * (middle * middle >> 10) * 16;
}

static int64_t choose(Coder *coder, const Digit *digit) {
  int64_t slot = coder->first & (TOTAL - 1), choice = 0;
  while (slot >= digit->end[choice]) choice++;
  int64_t start = choice ? digit->end[choice - 1] : 0;
  advance(coder, (uint64_t)(digit->end[choice] - start), (uint64_t)(slot - start));
  return choice;
}

// Walk over a pass: first what begins, then, in a second walk, what is refined.
static bool walk_pass(const Coding *coding, Layering *layering, const Step *step, const Tensor *slots, Nested *nested,
                      const Plane *plane, const Sweep *sweep, bool begins, Coder *coder) {
  const Tensor *planes = slots + step->slot, *means = slots + step->mean, *scales = slots + step->log_scale;
  uint32_t channels = step->stop - step->start, height = planes->height, width = planes->width;
  const Tensor *given[2] = {step->mean ? means : NULL, step->log_scale ? scales : NULL};
  for (int n = 0; n < 2; n++)
    if (given[n] && (given[n]->channels != channels || given[n]->height != height || given[n]->width != width))
      return bad("predictions have an impossible shape");
  float offset = scale_offset((uint32_t)(plane->power * plane->step));
  const float *affine = step->log_scale ? NULL : coding->model->array[step->scale_array].values;
  for (uint32_t channel = 0; channel < channels; channel++)
    for (uint32_t row = 0; row < height; row++) {
      const uint8_t *mask = step->mask + row % step->rows * step->columns;
      for (uint32_t column = 0; column < width; column++) {
        if (!mask[column % step->columns]) continue;
        size_t from = (channel * (size_t)height + row) * width + column, at = step->start * area_of(planes) + from;
        if (nested->known[at] == plane->number || !nested->known[at] != begins) continue;
        float log_scale =
            affine ? affine_log_scale(coding, affine, planes->channels, step->start + channel) : scales->data[from];
        int32_t mean = step->mean ? fixed_mean(means->data[from]) : 0, index;
        uint32_t scale = scale_index_of(log_scale, offset);
        if (begins) {
          nested->decoded[at] = (float)mean / ONE;
          if (scale < SKIPPED_SCALES || !sweep->last) continue;
          TRY(decode_index(coder, layering->begin[plane->missing], scale, &index));
          nested->anchor[at] = mean;
          see(coding->seen, index);
        } else {
          index = nested->index[at];
          if (!index && scale < SKIPPED_SCALES) {
            if (sweep->last) nested->known[at] = (uint8_t)plane->number;
            continue;
          }
          Digit digit = digit_of(layering, plane, index, (int64_t)nested->anchor[at] - mean, scale);
          if (!sweep->last && !is_worth(layering, plane, &digit, sweep->least)) continue;
          int64_t choice = choose(coder, &digit);
          see(coding->seen, (int32_t)choice);
          index = (int32_t)(choice + (plane->radix == 2 && index > 0 ? 2 * index : (int64_t)plane->radix * index - 1));
        }
        nested->index[at] = index;
        nested->known[at] = (uint8_t)plane->number;
        nested->decoded[at] = middle_of(plane, index, nested->anchor[at]);
      }
    }
  return end_pass(coder);
}

// Show networks a pass's latents as decoded.
static void show_pass(const Step *step, const Tensor *planes, const Nested *nested) {
  for (uint32_t channel = step->start; channel < step->stop; channel++)
    for (uint32_t row = 0; row < planes->height; row++) {
      const uint8_t *mask = step->mask + row % step->rows * step->columns;
      size_t at = (channel * (size_t)planes->height + row) * planes->width;
      for (uint32_t column = 0; column < planes->width; column++)
        if (mask[column % step->columns]) planes->data[at + column] = nested->decoded[at + column];
    }
}

// Find the steps that later sweeps repeat: all but rounded passes, and graphs that read nothing but these.
static void find_repeated(const Model *model, bool *repeated) {
  bool fixed[MOST_SLOTS] = {true};
  uint32_t writers[MOST_SLOTS] = {0};
  for (uint32_t n = 0; n < model->code_steps; n++) {
    const Step *step = model->step + n;
    if (step->codes && step->tables != NONE) fixed[step->slot] = true;
    for (uint32_t each = 0; !step->codes && each < step->writes; each++) writers[model->write[step->write_at + each]]++;
  }
  for (uint32_t n = 0; n < model->code_steps; n++) {
    const Step *step = model->step + n;
    bool once = !step->codes || step->tables != NONE;
    for (uint32_t each = 0; !step->codes && each < step->reads; each++)
      once = once && fixed[model->read[step->read_at + each].slot];
    for (uint32_t each = 0; !step->codes && each < step->writes; each++)
      once = once && writers[model->write[step->write_at + each]] == 1;
    for (uint32_t each = 0; !step->codes && once && each < step->writes; each++)
      fixed[model->write[step->write_at + each]] = true;
    repeated[n] = !once;
  }
}

// Code a sweep. What later sweeps do not repeat is computed in the first one, and `anew` where networks change.
static bool run_sweep(const Coding *coding, Layering *layering, Tensor *slots, Nested *nested, const Sweep *sweep,
                      const bool *repeated, bool anew, uint64_t work, Coder *coder, Arena *kept, Arena *arena) {
  const Model *model = coding->model;
  uint32_t missing = layering->planes - sweep->number;
  Plane plane = {1, 0, layering->dead_zone, coding->step, layering->radix, missing, sweep->number};
  for (uint32_t n = 0; n < plane.missing; n++) plane.power *= plane.radix;
  if (plane.radix == 3) plane.centre = (plane.power - 1) / 2;
  if (!layering->begin[plane.missing]) TRY(build_beginning(layering, &plane, kept));
  for (uint32_t n = 0; n < model->code_steps; n++) {
    const Step *step = model->step + n;
    if (!step->codes || step->tables != NONE) continue;
    Tensor *planes = slots + step->slot;
    memset(planes->data + step->start * area_of(planes), 0,
           (step->stop - step->start) * area_of(planes) * sizeof(float));
  }
  for (uint32_t n = 0; n < model->code_steps; n++) {
    const Step *step = model->step + n;
    uint32_t state = 0;
    if (sweep->number > 1 && !repeated[n] && !(anew && !step->codes)) continue;
    if (!step->codes) {
      TRY(run_step(model, step, slots, &work, arena));
    } else if (step->tables != NONE) {
      TRY(run_pass(coding, step, slots, coder, &state, &no_ring, NULL));
    } else {
      Nested *own = nested + step->slot;
      for (int begins = 1; begins >= 0; begins--)
        TRY(walk_pass(coding, layering, step, slots, own, &plane, sweep, begins, coder));
      show_pass(step, slots + step->slot, own);
    }
  }
  return true;
}

// Decode the layers of a tile, sides in pixels: the variable that becomes the picture is kept. Coarse planes have a
// coding of their own, or the same.
static bool decode_layers(const Coding *coding, const Coding *coarse, Layering *layering, const Stream *stream, uint32_t number,
                          uint32_t height, uint32_t width, Tensor *latents, Arena *kept, Arena *arena) {
  const Model *model = coding->model;
  float quality = coding->quality;
  Tensor slots[MOST_SLOTS] = {{1, 1, 1, &quality, false}};
  Nested nested[MOST_SLOTS] = {{NULL, NULL, NULL, NULL}};
  bool repeated[MOST_STEPS], before = true;
  Sweep sweep = {1, 0, true};
  uint32_t done = 0, layers = layers_of(stream);
  if (layers > layering->layers) return fail(DAMAGED, "more layers than are announced");
  find_repeated(model, repeated);
  for (uint32_t slot = 1; slot <= model->variables; slot++) {
    uint32_t stride = model->stride[slot];
    slots[slot] = (Tensor){model->channels[slot], height / stride, width / stride, NULL, false};
    uint64_t count = slots[slot].channels * (uint64_t)area_of(slots + slot);
    Nested *own = nested + slot;
    TRY(slots[slot].data = take_zeros(arena, count, sizeof(float)));
    TRY(own->anchor = take_zeros(arena, count, sizeof(int32_t)));
    TRY(own->index = take_zeros(arena, count, sizeof(int32_t)));
    TRY(own->known = take_zeros(arena, count, 1));
    TRY(own->decoded = take_zeros(slot == model->y ? kept : arena, count, sizeof(float)));
  }
  for (uint32_t layer = 0; layer < layers; layer++) {
    const Unit *unit = stream->unit + number;
    const Entry *entry =
        stream->entries + (layer ? stream->first_further + (layer - 1) * stream->layered + unit->place : unit->coded);
    Coder coder;
    TRY(start_coder(&coder, stream->data + entry->start, (size_t)entry->length, false));
    uint64_t coarsest = coding->step;
    for (uint32_t n = 1; n < layering->planes; n++) coarsest *= layering->radix;
    if (coarsest > LARGEST_STEP) return fail(UNSUPPORTED, "a first plane of too large a step");
    for (uint32_t n = 0; n < layering->joined[layer]; n++, done++) {
      uint32_t part = done ? (done - 1) % layering->sweeps : layering->sweeps - 1;
      sweep =
          (Sweep){done ? 2 + (done - 1) / layering->sweeps : 1, layering->least[part], part == layering->sweeps - 1};
      bool is_coarse = layering->coarse && layering->planes - sweep.number >= layering->coarse;
      TRY(run_sweep(is_coarse ? coarse : coding, layering, slots, nested, &sweep, repeated, is_coarse != before,
                    MOST_WORK * height * width, &coder, kept, arena));
      before = is_coarse;
      layering->reached = sweep.number;
    }
    TRY(end_coder(&coder));
  }
  *latents = slots[model->y];
  latents->data = nested[model->y].decoded;
  return true;
}
