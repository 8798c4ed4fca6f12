// The restoration filter: samples are corrected by sums of features of the pixels around, times weights of the header.

#define PLANES 3u
#define FEATURES 19u
#define REACH 2u  // of a feature, in pixels
#define CLIP 12
#define PRECISION 12  // bits after the point of the corrections
#define HALF (1 << (PRECISION - 1))
#define BANDS 8u  // of luma
#define DARKEST (-512)
#define BAND_WIDTH 128
#define LARGEST 63
#define LONGEST_ZEROS 6
// Kinds of restoration: the same weights for all luma, or others in each band; and the same after deblocking.
enum { PLAIN = 1, BANDED, DEBLOCKED_PLAIN, DEBLOCKED_BANDED };
static const char NO_WEIGHT[] = "a weight of the restoration is too large, or cut off";

// A bit of the header's part; zeros follow its end.
static uint32_t bit_at(Part part, uint64_t at) {
  return at / 8 < part.size ? part.data[at / 8] >> (7 - at % 8) & 1 : 0;
}

static bool read_weight(Part part, uint64_t *at, int8_t *weight) {
  uint32_t zeros = 0, value = 0;
  for (; !bit_at(part, *at); ++*at)
    if (++zeros > LONGEST_ZEROS) return fail(DAMAGED, NO_WEIGHT);
  for (uint32_t n = 0; n <= zeros; n++) value = 2 * value + bit_at(part, (*at)++);
  *weight = (int8_t)(value % 2 ? -(int)(value / 2) : (int)(value / 2));
  return true;
}

static bool is_banded(Part part) { return *part.data == BANDED || *part.data == DEBLOCKED_BANDED; }

// How many sets of weights a region has: one, or one for each band of luma.
static uint32_t sets_of(Part part) { return is_banded(part) ? BANDS : 1; }

static bool read_sets(Part part, uint64_t *at, int8_t *weights) {
  int8_t common[PLANES * FEATURES], added = 0;
  for (uint32_t n = 0; n < PLANES * FEATURES; n++) TRY(read_weight(part, at, common + n));
  for (uint32_t set = 0; set < sets_of(part); set++) {
    bool differs = is_banded(part) && bit_at(part, (*at)++);
    for (uint32_t n = 0; n < PLANES * FEATURES; n++, weights++) {
      if (differs) TRY(read_weight(part, at, &added));
      *weights = (int8_t)(common[n] + (differs ? added : 0));
      if (*weights > LARGEST || *weights < -LARGEST) return fail(DAMAGED, NO_WEIGHT);
    }
  }
  return true;
}

// Regions are tiles, or groups of blocks: tiles of each in a row and in a column.
static uint32_t tiles_across(const Stream *stream) { return stream->blocks ? GROUP : 1; }

static uint32_t region_of(const Stream *stream, uint32_t tile) {
  uint32_t side = tiles_across(stream), row = tile / stream->columns / side, column = tile % stream->columns / side;
  return row * parts(stream->columns, side) + column;
}

// The part of the region of a tile that lies in the picture.
static Box region_around(const Stream *stream, uint32_t tile) {
  uint32_t width = tiles_across(stream) * stream->tile_width, height = tiles_across(stream) * stream->tile_height;
  Box box = tile_of(stream, tile);
  box.left -= box.left % width, box.top -= box.top % height;
  return common((Box){box.left, box.top, box.left + width, box.top + height},
                (Box){0, 0, stream->width, stream->height});
}

// Read the weights of each region, NULL of those without; none at all where nothing is restored.
static bool read_restoration(const Stream *stream, int8_t ***restoration, Arena *arena) {
  Part part = stream->restoration;
  uint32_t regions = region_of(stream, stream->units - 1) + 1;
  uint64_t at = 8;
  if (!part.size) return true;
  if (*part.data < PLAIN || *part.data > (stream->blocks ? DEBLOCKED_BANDED : BANDED))
    return fail(UNSUPPORTED, "a restoration of a kind that is not known");
  TRY(*restoration = take_zeros(arena, regions, sizeof(int8_t *)));
  for (uint32_t n = 0; n < regions; n++) {
    if (!bit_at(part, at++)) continue;
    TRY((*restoration)[n] = take_from(arena, sets_of(part) * PLANES * FEATURES, 1));
    TRY(read_sets(part, &at, (*restoration)[n]));
  }
  uint64_t left = 8 * (uint64_t)part.size - at;  // huge where more was read than there is
  if (left < 8 && !(part.data[part.size - 1] & ((1u << left) - 1))) return true;
  return fail(DAMAGED, "weights of the restoration end where they should not");
}

static uint8_t byte_from(float value) { return value >= 255 ? 255 : value > 0 ? (uint8_t)value : 0; }

static void make_grey(uint8_t *pixel) {
  pixel[0] = pixel[1] = pixel[2] = (uint8_t)((pixel[0] + pixel[1] + pixel[2] + 1) / 3);
}

// Samples of a pixel as the synthesis gives them.
static void show_pixel(const Tensor *synthesized, size_t at, bool grey, uint8_t *pixel) {
  for (size_t n = 0; n < 3; n++) pixel[n] = byte_from(synthesized->data[n * area_of(synthesized) + at]);
  if (grey) make_grey(pixel);
}

// Y, O and G of a box and of what is around it, and at the right of as much more as makes multiples of four.
typedef struct {
  size_t width, area;
  int32_t *data;
} Planes;

// Split the pixels of a box of `seen` into planes; beyond `whole`, the nearest pixel within counts.
static bool split(Planes *planes, Box box, Box whole, Box seen, const Tensor *synthesized, bool grey, Arena *arena) {
  planes->width = parts(box.right - box.left, 4) * 4 + 2 * REACH;
  planes->area = planes->width * (box.bottom - box.top + 2 * REACH);
  TRY(planes->data = take_from(arena, PLANES * (uint64_t)planes->area, sizeof(int32_t)));
  int32_t *to = planes->data;
  for (uint32_t y = box.top; y < box.bottom + 2 * REACH; y++) {
    uint32_t row = smaller(larger(y, whole.top + REACH) - REACH, whole.bottom - 1) - seen.top;
    for (uint32_t x = box.left; x < box.left + planes->width; x++, to++) {
      uint32_t column = smaller(larger(x, whole.left + REACH) - REACH, whole.right - 1) - seen.left;
      uint8_t pixel[3];
      show_pixel(synthesized, (size_t)row * synthesized->width + column, grey, pixel);
      to[0] = pixel[0] + 2 * pixel[1] + pixel[2] - 512;
      to[planes->area] = 2 * (pixel[0] - pixel[2]);
      to[2 * planes->area] = 2 * pixel[1] - pixel[0] - pixel[2];
    }
  }
  return true;
}

typedef int32_t Integers __attribute__((vector_size(16), aligned(4)));  // of four pixels side by side

static Integers clipped(Integers values) {
  Integers below = values < -CLIP, above = values > CLIP;
  return (values & ~(below | above)) | (below & -CLIP) | (above & CLIP);
}

// Find the features of pixels, given where what is around them begins in the first plane.
static void find_features(const Planes *planes, const int32_t *corner, Integers *features) {
  Integers *product = features + 1 + PLANES, *sum = product + PLANES * (PLANES + 1) / 2;
  features[0] = (Integers){256, 256, 256, 256};
  for (uint32_t n = 0; n < PLANES; n++)
    features[1 + n] = *(const Integers *)(corner + n * planes->area + REACH * planes->width + REACH);
  for (uint32_t n = 1; n <= PLANES; n++)
    for (uint32_t m = n; m <= PLANES; m++) *product++ = features[n] * features[m] >> 8;
  for (uint32_t n = 0; n < PLANES; n++, sum++) {
    const int32_t *plane = corner + n * planes->area;
    Integers near = {0}, far = {0}, close = {0};
    for (uint32_t dy = 0; dy <= 2 * REACH; dy++)
      for (uint32_t dx = 0; dx <= 2 * REACH; dx++) {
        Integers difference = *(const Integers *)(plane + dy * planes->width + dx) - features[1 + n];
        if (dy % (2 * REACH) && dx % (2 * REACH)) near += difference;
        else far += difference;
        close += clipped(difference);
      }
    sum[0] = 4 * near, sum[PLANES] = 2 * far, sum[2 * PLANES] = 2 * close;
  }
}

static uint8_t bounded(int32_t value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value); }

// Correct as many of four pixels, RGBA, as `count`, by weights of which the next band's are so many further on.
static void correct(const Integers *features, const int8_t *weights, uint32_t stride, uint32_t count, bool grey,
                    uint8_t *pixel) {
  Integers sums[PLANES];
  const int8_t *before = NULL;
  for (uint32_t n = 0; n < count; n++, pixel += 4) {
    const int8_t *own = weights + (uint32_t)(features[1][n] - DARKEST) / BAND_WIDTH * stride;
    if (own != before) {
      for (uint32_t m = 0; m < PLANES; m++) sums[m] = (Integers){0};
      for (uint32_t m = 0; m < PLANES * FEATURES; m++) sums[m / FEATURES] += own[m] * features[m % FEATURES];
      before = own;
    }
    int32_t luma = sums[0][n] + HALF, orange = sums[1][n], green = sums[2][n];
    pixel[0] = bounded(pixel[0] + ((luma + orange - green) >> PRECISION));
    pixel[1] = bounded(pixel[1] + ((luma + 2 * green) >> PRECISION));
    pixel[2] = bounded(pixel[2] + ((luma - orange - green) >> PRECISION));
    if (grey) make_grey(pixel);
  }
}

// Correct a box of a tile in the picture, RGBA, given what was synthesized for a box of `seen`.
static bool restore(const Stream *stream, const int8_t *weights, uint32_t tile, Box box, Box seen,
                    const Tensor *synthesized, uint8_t *pixels, Arena *arena) {
  Box whole = common(region_around(stream, tile), seen);
  uint32_t stride = sets_of(stream->restoration) > 1 ? PLANES * FEATURES : 0;
  Planes planes;
  TRY(split(&planes, box, whole, seen, synthesized, stream->grey, arena));
  for (uint32_t y = box.top; y < box.bottom; y++)
    for (uint32_t x = box.left; x < box.right; x += 4) {
      Integers features[FEATURES];
      find_features(&planes, planes.data + (y - box.top) * planes.width + (x - box.left), features);
      uint8_t *first = pixels + 4 * ((size_t)y * stream->width + x);
      correct(features, weights, stride, smaller(4, box.right - x), stream->grey, first);
    }
  give_to(arena, planes.data);
  return true;
}
