// Deblocking: samples on both sides of an edge between blocks move towards each other where they differ too much.

#define FRACTION 18  // at most, in 1/128 of a step: START at quality 0, and FALL less at 100
#define START 27
#define FALL 30u
#define MOST_OF_STEP 16

// Move the samples before and at a place in a row, or in a column: the next one is so far away.
static void narrow(float *at, size_t next, int32_t fraction) {
  int32_t left = byte_from(*(at - next)), right = byte_from(*at);
  int32_t step = 3 * (right - left) - (byte_from(at[next]) - byte_from(*(at - 2 * next)));
  step = step > MOST_OF_STEP ? MOST_OF_STEP : step < -MOST_OF_STEP ? -MOST_OF_STEP : step;
  int32_t move = (fraction * step + 64) >> 7;
  *(at - next) = bounded(left + move), *at = bounded(right - move);
}

// The first edge between blocks of a side at or after a place, two samples beyond it.
static uint32_t first_edge(uint32_t from, uint32_t side) { return parts(from + 2, side) * side; }

// Move samples at the edges of blocks of what was synthesized for a box.
static void deblock(const Stream *stream, Box box, const Tensor *planes) {
  int32_t fraction = START - (int32_t)parts(FALL * stream->quality, HIGHEST_QUALITY);
  fraction = fraction > FRACTION ? FRACTION : fraction > 0 ? fraction : 0;
  size_t width = planes->width, rows = planes->channels * (size_t)planes->height;
  for (uint32_t x = first_edge(box.left, stream->tile_width); x + 2 <= box.right; x += stream->tile_width)
    for (size_t row = 0; row < rows; row++) narrow(planes->data + row * width + (x - box.left), 1, fraction);
  for (uint32_t y = first_edge(box.top, stream->tile_height); y + 2 <= box.bottom; y += stream->tile_height)
    for (uint32_t n = 0; n < planes->channels; n++)
      for (size_t x = 0; x < width; x++)
        narrow(planes->data + n * area_of(planes) + (y - box.top) * width + x, width, fraction);
}
