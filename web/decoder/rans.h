// Bytes → indices: two interleaved rANS states, of blocks a single one, probability tables, and the trellis states that choose between them.

#define SCALES 64
#define TOTAL 65536u
#define LOWEST ((uint64_t)1 << 31)
#define SMALLEST ((uint64_t)1 << 10)
#define ESCAPE_LIMIT (1 << 20)
#define BUCKET_BITS 6
#define LATTICE 11  // the number of the quantizer whose levels are multiples of the step
#define PHASES 4    // of the lattice: where a mean lies between two multiples
#define MOST_TABLES (PHASES * SCALES)

// Tables of one or two sets of levels, or of the phases of the lattice, ready to decode with.
typedef struct {
  int sets;
  int32_t radius[MOST_TABLES];
  uint32_t first[MOST_TABLES];  // where each table begins in `cumulative`
  uint32_t *cumulative;
  uint16_t (*buckets)[TOTAL >> BUCKET_BITS];  // the first symbol of each bucket of slots
} Tables;

typedef struct {
  int states;  // 1 where there is no trellis
  uint16_t next[1024][2];
  uint8_t set[1024];
} Trellis;

typedef struct {
  const uint8_t *words;
  size_t count, at;
  uint64_t first, second, initial;
  bool single;  // one state, held twice
} Coder;

SMALL_BEGIN
static bool build_tables(Tables *tables, const Frequencies *frequencies, Arena *arena) {
  const uint8_t *planes = frequencies->planes;
  uint32_t count = frequencies->count;
  TRY(tables->cumulative = take_from(arena, (uint64_t)count + MOST_TABLES, sizeof(uint32_t)));
  TRY(tables->buckets = take_from(arena, MOST_TABLES, sizeof *tables->buckets));
  uint32_t table = 0, symbol = 0, sum = 0, at = 0;
  for (uint32_t n = 0; n < count; n++) {
    if (table == MOST_TABLES) return fail(DAMAGED_MODEL, "too many tables");
    if (!symbol) tables->first[table] = at;
    uint32_t frequency = planes[n] | (uint32_t)planes[count + n] << 8;
    if (!frequency || sum + frequency > TOTAL) return fail(DAMAGED_MODEL, "a table is no distribution");
    tables->cumulative[at++] = sum;
    uint32_t bucket_size = 1u << BUCKET_BITS;
    for (uint32_t slot = parts(sum, bucket_size); slot < parts(sum + frequency, bucket_size); slot++)
      tables->buckets[table][slot] = (uint16_t)symbol;
    sum += frequency, symbol++;
    if (sum < TOTAL) continue;
    if (symbol < 4 || symbol % 2) return fail(DAMAGED_MODEL, "a table is no distribution");
    tables->cumulative[at++] = TOTAL;
    tables->radius[table++] = (int32_t)(symbol / 2 - 1);
    symbol = sum = 0;
  }
  if (symbol || table % SCALES) return fail(DAMAGED_MODEL, "tables are missing");
  tables->sets = (int)(table / SCALES);
  return true;
}

static uint32_t parity(uint32_t bits) { return (uint32_t)__builtin_parity(bits); }

// By the quantizer's number: see docs/format.md.
static bool build_trellis(Trellis *trellis, uint32_t quantizer) {
  static const struct {
    uint16_t states, h0, h1;
  } known[14] = {{1, 0, 0},     {1, 0, 0},      {1, 0, 0},          {4, 05, 02},         {8, 017, 04},
                 {16, 023, 04}, {32, 057, 022}, {64, 0135, 062},    {128, 0235, 0126},   {256, 0533, 0212},
                 {1, 0, 0},     {1, 0, 0},      {512, 01015, 0736}, {1024, 03721, 01312}};
  if (quantizer >= 14 || !known[quantizer].states) return fail(UNSUPPORTED, "a quantizer that is not known");
  trellis->states = known[quantizer].states;
  for (uint32_t state = 0; state < known[quantizer].states; state++) {
    uint32_t flips = parity(state & known[quantizer].h0 >> 1), after = 2 * state % known[quantizer].states;
    trellis->next[state][0] = (uint16_t)(after + flips);
    trellis->next[state][1] = (uint16_t)(after + !flips);
    trellis->set[state] = (uint8_t)parity(state & known[quantizer].h1 >> 1);
  }
  return true;
}

SMALL_END
static void refill(Coder *coder, uint64_t *state) {
  if (*state >= LOWEST || coder->at == coder->count) return;
  *state = *state << 32 | little32(coder->words + 4 * coder->at++);
}

SMALL_BEGIN
static bool start_coder(Coder *coder, const uint8_t *data, size_t size, bool single) {
  *coder = (Coder){data, 0, 0, SMALLEST, SMALLEST, SMALLEST, single};
  if (!size) return true;
  Reader reader = {data, size, 0, DAMAGED, DAMAGED};
  TRY(read_varint(&reader, &coder->first));
  if (!coder->first) {
    coder->initial = LOWEST;
    TRY(read_varint(&reader, &coder->first));
  }
  if (!single) TRY(read_varint(&reader, &coder->second));
  if ((size - reader.at) % 4) return fail(DAMAGED, "coded data cannot be whole");
  coder->words = data + reader.at, coder->count = (size - reader.at) / 4;
  refill(coder, &coder->first);
  if (single) coder->second = coder->first;
  else refill(coder, &coder->second);
  return true;
}

static bool end_pass(const Coder *coder) {
  if (coder->first >= coder->initial && coder->second >= coder->initial) return true;
  return fail(DAMAGED, "coded data ends before the picture does");
}

static bool end_coder(const Coder *coder) {
  if (coder->at == coder->count && coder->first == coder->initial && coder->second == coder->initial) return true;
  return fail(DAMAGED, "coded data does not end where the picture does");
}

SMALL_END
// After a symbol of a frequency, at an offset into its range: the states change places.
static void advance(Coder *coder, uint64_t frequency, uint64_t offset) {
  uint64_t state = frequency * (coder->first >> 16) + offset;
  refill(coder, &state);
  if (__builtin_expect(coder->single, 0)) coder->first = state;
  else coder->first = coder->second;
  coder->second = state;
}

static int32_t raw_bits(Coder *coder, int bits) {
  if (bits <= 0) return 0;
  uint32_t slot = coder->first & (TOTAL - 1), size = TOTAL >> bits;
  advance(coder, size, slot % size);
  return (int32_t)(slot / size);
}

static bool escaped(Coder *coder, int32_t radius, int32_t *index) {
  int length = raw_bits(coder, 5);
  if (length > 20) return fail(DAMAGED, "coded data holds an impossible index");
  int32_t upper = raw_bits(coder, length - 12), lower = raw_bits(coder, length < 12 ? length : 12);
  int32_t sign = raw_bits(coder, 1) ? -1 : 1;
  int32_t magnitude = radius + (1 << length) + (upper << 12) + lower;
  if (magnitude > ESCAPE_LIMIT) return fail(DAMAGED, "coded data holds an impossible index");
  *index = sign * magnitude;
  return true;
}

static inline bool decode_index(Coder *coder, const Tables *tables, uint32_t table, int32_t *index) {
  uint32_t slot = coder->first & (TOTAL - 1);
  const uint32_t *cumulative = tables->cumulative + tables->first[table];
  uint32_t symbol = tables->buckets[table][slot >> BUCKET_BITS];
  while (cumulative[symbol + 1] <= slot) symbol++;
  advance(coder, cumulative[symbol + 1] - cumulative[symbol], slot - cumulative[symbol]);
  int32_t radius = tables->radius[table];
  *index = (int32_t)symbol - radius;
  return *index <= radius || escaped(coder, radius, index);
}
