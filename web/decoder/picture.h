// Units → pixels: tiles are decoded as they are needed, and shown in boxes of a size that bounds memory.

#define SHOWN_SIDE 1024
#define LARGEST_SHOWN (1600u * 1600u)

typedef struct {
  const Stream *stream;
  const Model *model;             // which shows it
  const Model *fine, *coarse;     // which decode it; not the same where an adapter is of coarse planes of layers
  Coding coding, coarse_coding;   // started by the first tile with latents, or with layers
  Layering *layering;             // NULL where there are no layers
  Arena *arena;
  Tensor *latents;  // of each tile; without data where there are none, not yet, or not any more
  uint32_t decoded;
  uint8_t *pixels;       // RGBA; NULL where only indices are wanted
  Tensor **black;        // of each black block that others may see, its variables; NULL of others, and where there are none
  int8_t **restoration;  // weights of each region, NULL of some; NULL where nothing is restored
} Picture;

static bool has_latents(const Picture *picture, uint32_t number) {
  const Stream *stream = picture->stream;
  uint32_t type = stream->entries[stream->unit[number].coded].type;
  return stream->blocks || type == LATENTS || type == LAYER;
}

// Put channels of samples of a tile, RGBA, into the picture: from `first`, as many as `count`, to `to`.
static void put_samples(Picture *picture, Box box, const uint8_t *samples, int first, int count, int to) {
  if (!picture->pixels) return;
  for (uint32_t y = box.top; y < box.bottom; y++)
    for (uint32_t x = box.left; x < box.right; x++, samples += 4)
      for (int n = 0; n < count; n++)
        picture->pixels[4 * ((size_t)y * picture->stream->width + x) + (size_t)(to + n)] = samples[first + n];
}

static bool decode_tile(Picture *picture, uint32_t number, const Ring *ring, Tensor *variables) {
  Box tile = tile_of(picture->stream, number);
  TRY(picture->coding.model || start_coding(&picture->coding, picture->fine, picture->stream, picture->arena));
  give_to(picture->arena, picture->latents[number].data);
  picture->latents[number].data = NULL;
  return decode_latents(&picture->coding, coded_of(picture->stream, number), tile.bottom - tile.top,
                        tile.right - tile.left, ring, variables, picture->latents + number, picture->arena);
}

static bool is_black(const Stream *stream, uint32_t number) {
  return (number / stream->columns + number % stream->columns) % 2 == 0;
}

// Decode a black block, and keep its variables for its neighbours.
static bool decode_black(Picture *picture, uint32_t number) {
  TRY(picture->black[number] = take_zeros(picture->arena, picture->model->variables + 1, sizeof(Tensor)));
  return decode_tile(picture, number, &no_ring, picture->black[number]);
}

// Find the variables of a black neighbour, decoding it where that was not done; its indices are seen in its turn.
static bool look_at(Picture *picture, bool is_there, uint32_t number, const Tensor **variables) {
  if (!is_there) return true;
  Sha256 *seen = picture->coding.seen;
  picture->coding.seen = NULL;
  bool done = picture->black[number] || decode_black(picture, number);
  picture->coding.seen = seen;
  *variables = picture->black[number];
  return done;
}

static void forget_black(Picture *picture, uint32_t number) {
  for (uint32_t slot = 0; picture->black[number] && slot <= picture->model->variables; slot++)
    give_to(picture->arena, picture->black[number][slot].data);
  give_to(picture->arena, picture->black[number]);
  picture->black[number] = NULL;
}

static bool decode_block(Picture *picture, uint32_t number) {
  const Stream *stream = picture->stream;
  uint32_t columns = stream->columns, row = number / columns, column = number % columns;
  if (!picture->black) TRY(picture->black = take_zeros(picture->arena, stream->units, sizeof(Tensor *)));
  for (uint32_t n = 0; !column && row > 1 && n < columns; n++) forget_black(picture, (row - 2) * columns + n);
  if (is_black(stream, number)) {
    if (picture->black[number] && !picture->coding.seen) return true;
    forget_black(picture, number);
    return decode_black(picture, number);
  }
  Ring ring = no_ring;
  TRY(look_at(picture, column, number - 1, &ring.left));
  TRY(look_at(picture, row, number - columns, &ring.top));
  TRY(look_at(picture, column + 1 < columns, number + 1, &ring.right));
  TRY(look_at(picture, row + 1 < stream->rows, number + columns, &ring.bottom));
  return decode_tile(picture, number, &ring, NULL);
}

static bool start_layer_coding(const Picture *picture, Coding *coding, const Model *model) {
  TRY(coding->model || start_coding(coding, model, picture->stream, picture->arena));
  if (picture->layering->step) coding->step = picture->layering->step;
  return true;
}

static bool decode_unit(Picture *picture, uint32_t number) {
  const Stream *stream = picture->stream;
  Box shown = shown_of(stream, number);
  uint32_t width = shown.right - shown.left, height = shown.bottom - shown.top;
  Part alpha = alpha_of(stream, number), coded = coded_of(stream, number);
  Arena arena = {NULL, 0};
  uint8_t *samples;
  bool done = true;
  if (alpha.data) {
    done = decode_exact(alpha.data, alpha.size, width, height, &samples, &arena);
    if (done) put_samples(picture, shown, samples, 1, 1, 3);
  }
  uint32_t type = stream->entries[stream->unit[number].coded].type;
  if (done && has_latents(picture, number) && (type == LAYER) != (stream->quantizer == NESTED))
    done = fail(DAMAGED, "layers and nested quantizers are not without each other");
  if (done && type == LAYER) {
    Box tile = tile_of(stream, number);
    Layering *layering = picture->layering;
    done = start_layer_coding(picture, &picture->coding, picture->fine) &&
           start_layer_coding(picture, &picture->coarse_coding, picture->coarse) &&
           decode_layers(&picture->coding, &picture->coarse_coding, layering, stream, number, tile.bottom - tile.top,
                         tile.right - tile.left, picture->latents + number, picture->arena, &arena);
    if (layering->reached == layering->planes) picture->model = picture->fine;
  } else if (done && stream->blocks) {
    done = decode_block(picture, number);
  } else if (done && has_latents(picture, number)) {
    done = decode_tile(picture, number, NULL, NULL);
  } else if (done) {
    int channels = type == EXACT_ALPHA ? 4 : 3;
    done = decode_exact(coded.data, coded.size, width, height, &samples, &arena);
    if (done) put_samples(picture, shown, samples, 0, channels, 0);
    for (size_t n = 0; done && picture->coding.seen && n < (size_t)width * height; n++)
      sha256_add(picture->coding.seen, samples + 4 * n, 3);
  }
  empty(&arena);
  return done;
}

// Whether any tile that a box touches is coded by latents.
static bool any_latents(const Picture *picture, Box box) {
  const Stream *stream = picture->stream;
  for (uint32_t row = box.top / stream->tile_height; row < parts(box.bottom, stream->tile_height); row++)
    for (uint32_t column = box.left / stream->tile_width; column < parts(box.right, stream->tile_width); column++)
      if (has_latents(picture, row * stream->columns + column)) return true;
  return false;
}

// What the synthesis of a box sees: a margin on every side beyond which anything is coded as latents.
static Box around(const Picture *picture, Box box) {
  uint32_t margin = picture->model->margin;
  Box whole = {0, 0, coded_side(picture->stream->width), coded_side(picture->stream->height)}, seen = box;
  Box grown = common((Box){box.left > margin ? box.left - margin : 0, box.top > margin ? box.top - margin : 0,
                           box.right + margin, box.bottom + margin},
                     whole);
  if (any_latents(picture, (Box){grown.left, box.top, box.left, box.bottom})) seen.left = grown.left;
  if (any_latents(picture, (Box){box.left, grown.top, box.right, box.top})) seen.top = grown.top;
  if (any_latents(picture, (Box){box.right, box.top, grown.right, box.bottom})) seen.right = grown.right;
  if (any_latents(picture, (Box){box.left, box.bottom, box.right, grown.bottom})) seen.bottom = grown.bottom;
  return seen;
}

// Gather the latents of a box, zero where tiles have none.
static bool gather_latents(const Picture *picture, Box box, Tensor *gathered, Arena *arena) {
  const Stream *stream = picture->stream;
  const Model *model = picture->model;
  uint32_t stride = model->stride[model->y], channels = model->channels[model->y];
  *gathered = (Tensor){channels, (box.bottom - box.top) / stride, (box.right - box.left) / stride, NULL, false};
  TRY(gathered->data = take_zeros(arena, channels * (uint64_t)area_of(gathered), sizeof(float)));
  for (uint32_t number = 0; number < stream->units; number++) {
    const Tensor *from = picture->latents + number;
    Box tile = tile_of(stream, number), shared = common(tile, box);
    if (shared.left >= shared.right || shared.top >= shared.bottom || !has_latents(picture, number)) continue;
    size_t columns = (shared.right - shared.left) / stride;
    for (uint32_t channel = 0; channel < channels; channel++)
      for (uint32_t y = shared.top; y < shared.bottom; y += stride) {
        size_t row = channel * (size_t)gathered->height + (y - box.top) / stride;
        size_t from_row = channel * (size_t)from->height + (y - tile.top) / stride;
        memcpy(gathered->data + row * gathered->width + (shared.left - box.left) / stride,
               from->data + from_row * from->width + (shared.left - tile.left) / stride, columns * sizeof(float));
      }
  }
  return true;
}

// Put what was synthesized for a box of `seen` into the picture.
static void put_synthesized(Picture *picture, Box box, Box seen, const Tensor *planes) {
  const Stream *stream = picture->stream;
  for (uint32_t y = box.top; y < box.bottom; y++) {
    size_t from = (size_t)(y - seen.top) * planes->width + (box.left - seen.left);
    uint8_t *to = picture->pixels + 4 * ((size_t)y * stream->width + box.left);
    for (uint32_t x = box.left; x < box.right; x++, from++, to += 4) show_pixel(planes, from, stream->grey, to);
  }
}

static bool synthesize(Picture *picture, Box box, Arena *arena) {
  if (!any_latents(picture, box)) return true;
  const Model *model = picture->model;
  Box seen = around(picture, box);
  uint32_t height = seen.bottom - seen.top, width = seen.right - seen.left;
  float quality = picture->coding.quality;
  Tensor slots[MOST_SLOTS] = {{1, 1, 1, &quality, false}};
  uint64_t work = MOST_WORK * height * width;
  TRY(gather_latents(picture, seen, slots + model->y, arena));
  for (uint32_t n = model->code_steps; n < model->steps; n++)
    TRY(run_step(model, model->step + n, slots, &work, arena));
  const Tensor *planes = slots + model->pixels;
  uint32_t stride = model->stride[model->y];
  if (planes->channels != 3 || planes->height != height || planes->width != width || height % stride || width % stride)
    return bad("the synthesis gives no pixels");
  if (picture->restoration && *picture->stream->restoration.data > BANDED) deblock(picture->stream, seen, planes);
  for (uint32_t number = 0; number < picture->stream->units; number++) {
    Box shared = common(box, shown_of(picture->stream, number));
    bool shares = shared.left < shared.right && shared.top < shared.bottom;
    if (!shares || !has_latents(picture, number)) continue;
    put_synthesized(picture, shared, seen, planes);
    int8_t *weights = picture->restoration ? picture->restoration[region_of(picture->stream, number)] : NULL;
    if (weights) TRY(restore(picture->stream, weights, number, shared, seen, planes, picture->pixels, arena));
  }
  return true;
}

static uint32_t equal_part(uint32_t side) {
  uint32_t count = larger(1, (coded_side(side) + SHOWN_SIDE / 2) / SHOWN_SIDE);
  return coded_side(parts(coded_side(side), count));
}

// Decode all tiles in order, and show what is complete.
static bool decode_tiles(Picture *picture) {
  const Stream *stream = picture->stream;
  uint32_t width = stream->tile_width, height = stream->tile_height, margin = picture->model->margin;
  if (width * height > LARGEST_SHOWN || stream->blocks) width = equal_part(stream->width), height = equal_part(stream->height);
  uint32_t bottom = coded_side(stream->height), right = coded_side(stream->width);
  if (width < right || height < bottom) height = coded_side(height / 2);
  for (uint32_t top = 0; top < bottom; top += height) {
    uint32_t end = smaller(top + height, bottom);
    for (; picture->decoded < stream->units; picture->decoded++) {
      if (tile_of(stream, picture->decoded).top >= end + margin) break;
      TRY(decode_unit(picture, picture->decoded));
      if (picture->pixels) continue;
      give_to(picture->arena, picture->latents[picture->decoded].data);
      picture->latents[picture->decoded].data = NULL;
    }
    for (uint32_t left = 0; picture->pixels && left < right; left += width) {
      Arena arena = {NULL, 0};
      bool done = synthesize(picture, (Box){left, top, smaller(left + width, right), end}, &arena);
      empty(&arena);
      TRY(done);
    }
    for (uint32_t number = 0; picture->pixels && number < picture->decoded; number++) {
      if (tile_of(stream, number).bottom + margin > end) continue;
      give_to(picture->arena, picture->latents[number].data);
      picture->latents[number].data = NULL;
    }
  }
  return true;
}
