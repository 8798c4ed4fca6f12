// Corrected scales: tables follow, row by row, what a pass has shown, as docs/format.md says.

#define FRACTION_BITS 14  // of what scale indices are moved by
#define MOST_MAGNITUDE 15
#define FADING 5  // sums of a position lose 2⁻⁵ of themselves from channel to channel

// Magnitudes and what was expected of them, in 1/256.
typedef struct {
  int64_t found, expected;
} Sums;

// What passes over channels of a variable have shown. A latent that is known has 16 bits of its magnitude above 16 of
// what was expected. Around each plane of them are zeros: two lines above, one below, one on each side.
typedef struct {
  Arena *arena;
  const Step *step;  // the latest pass
  size_t line, plane, area;
  Sums *channel, *whole;   // of each channel; of the one at hand
  Sums *place, *beside;    // of each position, over the channels of the latest pass; of the row at hand
  uint32_t *known, *here;  // of each latent, 0 where nothing is; of the row at hand
  uint32_t *before;        // of this row and the zeros beside it, when it began
  int32_t start;           // what the channel moves scale indices by
} Correction;

static int32_t magnitude_of(int32_t index) { return abs(index) < MOST_MAGNITUDE ? abs(index) : MOST_MAGNITUDE; }

SMALL_BEGIN
// The magnitude that a table expects, in 1/256.
static uint16_t expected_by(const Tables *tables, uint32_t table) {
  const uint32_t *cumulative = tables->cumulative + tables->first[table];
  int32_t radius = tables->radius[table];
  uint32_t sum = 128;
  for (int32_t n = -radius; n <= radius + 1; n++, cumulative++)
    sum += (cumulative[1] - cumulative[0]) * (uint32_t)(n > radius ? MOST_MAGNITUDE : magnitude_of(n));
  return (uint16_t)(sum >> 8);
}

// Begin a pass over planes of these sides: it goes on from one before over the same channels, else anew.
static bool correct_pass(Correction *one, const Step *step, uint32_t height, uint32_t width) {
  const Step *before = one->step;
  one->step = step;
  if (before && before->slot == step->slot && before->start == step->start && before->stop == step->stop) {
    memset(one->place, 0, one->area * sizeof(Sums));
    return true;
  }
  uint64_t channels = step->stop - step->start;
  one->line = width + 2, one->plane = (height + 3) * one->line, one->area = height * (size_t)width;
  uint64_t sums = channels + one->area, known = channels * one->plane + one->line;
  give_to(one->arena, one->channel);
  TRY(one->channel = take_zeros(one->arena, sums * sizeof(Sums) + known * sizeof(uint32_t), 1));
  one->place = one->channel + channels;
  one->known = (uint32_t *)(one->channel + sums);
  one->before = one->known + channels * one->plane;
  return true;
}

SMALL_END
// The logarithm of a ratio in 1/256 of an octave, linear between powers of two: what the upper bits of doubles are.
static int32_t ratio(int64_t found, int64_t expected, int32_t flat) {
  double sums[2] = {(double)(found + flat), (double)(expected + flat)};
  int64_t bits[2];
  memcpy(bits, sums, sizeof bits);
  return (int32_t)((bits[0] >> 44) - (bits[1] >> 44));
}

static void begin_row(Correction *one, uint32_t channel, uint32_t row) {
  for (Sums *each = one->place; !row && each < one->place + one->area; each++)
    each->found -= each->found >> FADING, each->expected -= each->expected >> FADING;
  one->here = one->known + channel * one->plane + (row + 2) * one->line + 1;
  one->beside = one->place + row * (one->line - 2);
  one->whole = one->channel + channel;
  int32_t whole = ratio(one->whole->found, one->whole->expected, 8 << 8);
  one->start = one->step->weight[2] * whole + (1 << (FRACTION_BITS - 1));
  memcpy(one->before, one->here - 1, one->line * sizeof *one->before);
}

// Return the table of a latent, corrected, and note what is expected of it.
static uint32_t corrected(Correction *one, const uint16_t *expected, uint32_t column, uint32_t table) {
  uint32_t *here = one->here + column, *above = here - one->line, *before = one->before + column;
  uint32_t near = *(above - one->line) + above[-1] + above[0] + above[1] + before[0] + before[2] + here[one->line];
  const Sums *place = one->beside + column;
  const int32_t *weight = one->step->weight;
  int32_t moved = one->start + weight[0] * ratio(place->found, place->expected, 3 << 8) +
                  weight[1] * ratio(near >> 16, near & 0xFFFF, 4 << 8);
  int32_t scale = (int32_t)(table % SCALES) + (moved >> FRACTION_BITS);
  *here = expected[table];
  return table - table % SCALES + (uint32_t)(scale < 0 ? 0 : scale < SCALES ? scale : SCALES - 1);
}

static void count(Sums *sums, uint32_t known) { sums->found += known >> 16, sums->expected += known & 0xFFFF; }

// Take note of the index of a latent whose table was corrected.
static void note(Correction *one, uint32_t column, int32_t index) {
  uint32_t known = one->here[column] |= (uint32_t)magnitude_of(index) << 24;
  count(one->beside + column, known);
  count(one->whole, known);
}
