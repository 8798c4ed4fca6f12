// Bits and prefix codes of VP8L (RFC 9649, sections 3.5 to 3.7).

typedef struct {
  const uint8_t *data;
  size_t size, at;
  uint64_t bits;
  int held;
  size_t missing;  // bytes that were read beyond the end
} Bits;

// Have at least 32 bits at hand; zeros follow the end.
static void fetch(Bits *bits) {
  while (bits->held <= 56) {
    uint64_t byte = bits->at < bits->size ? bits->data[bits->at] : 0;
    bits->missing += bits->at >= bits->size;
    bits->at += bits->at < bits->size;
    bits->bits |= byte << bits->held;
    bits->held += 8;
  }
}

static void drop(Bits *bits, int count) {
  bits->bits >>= count;
  bits->held -= count;
}

static uint32_t take_bits(Bits *bits, int count) {
  fetch(bits);
  uint32_t value = (uint32_t)(bits->bits & (((uint64_t)1 << count) - 1));
  drop(bits, count);
  return value;
}

static bool within(const Bits *bits) {
  if (bits->missing * 8 <= (size_t)bits->held) return true;
  return fail(DAMAGED, "exact samples are cut off");
}

#define LONGEST_CODE 15
#define QUICK_BITS 8

// A canonical code: symbols by rising length, and for short codes a table by their reversed bits.
typedef struct {
  uint16_t count[LONGEST_CODE + 1];
  uint16_t single;   // the symbol where there is but one, which takes no bits
  uint16_t *symbol;  // NULL then
  uint16_t *quick;   // length << 12 | symbol, for the next QUICK_BITS bits; 0 where a code is longer
} Prefix;

static bool build_prefix(Prefix *prefix, const uint8_t *lengths, uint32_t symbols, Arena *arena) {
  uint32_t used = 0, code = 0, at = 0;
  *prefix = (Prefix){{0}, 0, NULL, NULL};
  for (uint32_t n = 0; n < symbols; n++) {
    prefix->count[lengths[n]]++;
    if (lengths[n]) prefix->single = (uint16_t)n, used++;
  }
  prefix->count[0] = 0;
  if (used == 1) return true;
  uint32_t room = 0;
  for (int length = 1; length <= LONGEST_CODE; length++) room += (uint32_t)prefix->count[length] << (15 - length);
  if (room != 1 << 15) return fail(DAMAGED, "exact samples have an impossible code");
  TRY(prefix->symbol = take_from(arena, used, sizeof(uint16_t)));
  TRY(prefix->quick = take_zeros(arena, 1 << QUICK_BITS, sizeof(uint16_t)));
  for (int length = 1; length <= LONGEST_CODE; length++, code <<= 1)
    for (uint32_t n = 0; n < symbols; n++) {
      if (lengths[n] != length) continue;
      prefix->symbol[at++] = (uint16_t)n;
      uint32_t reversed = 0;
      for (int bit = 0; bit < length; bit++) reversed |= (code >> bit & 1) << (length - 1 - bit);
      for (; length <= QUICK_BITS && reversed < 1u << QUICK_BITS; reversed += 1u << length)
        prefix->quick[reversed] = (uint16_t)((uint32_t)length << 12 | n);
      code++;
    }
  return true;
}

static uint32_t read_symbol(Bits *bits, const Prefix *prefix) {
  if (!prefix->symbol) return prefix->single;
  fetch(bits);
  uint32_t quick = prefix->quick[bits->bits & ((1 << QUICK_BITS) - 1)];
  if (quick) {
    drop(bits, (int)(quick >> 12));
    return quick & 0xFFF;
  }
  uint32_t code = 0, first = 0, index = 0;
  for (int length = 1; length <= LONGEST_CODE; length++) {
    code |= bits->bits >> (length - 1) & 1;
    uint32_t count = prefix->count[length];
    if (code - first < count) {
      drop(bits, length);
      return prefix->symbol[index + code - first];
    }
    index += count, first = (first + count) << 1, code <<= 1;
  }
  return 0;  // not reached: codes are complete
}

#define MOST_SYMBOLS (256 + 24 + (1 << 11))

static bool read_lengths(Bits *bits, uint8_t *lengths, uint32_t symbols, Arena *arena) {
  static const uint8_t order[19] = {17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  uint8_t own[19] = {0};
  uint32_t count = 4 + take_bits(bits, 4), left = symbols, before = 8;
  Prefix prefix;
  for (uint32_t n = 0; n < count; n++) own[order[n]] = (uint8_t)take_bits(bits, 3);
  if (take_bits(bits, 1)) {
    int size = 2 + 2 * (int)take_bits(bits, 3);
    left = 2 + take_bits(bits, size);
    if (left > symbols) return fail(DAMAGED, "exact samples have an impossible code");
  }
  TRY(build_prefix(&prefix, own, 19, arena));
  for (uint32_t n = 0; n < symbols && left; left--) {
    uint32_t length = read_symbol(bits, &prefix);
    if (length < 16) {
      lengths[n++] = (uint8_t)length;
      if (length) before = length;
      continue;
    }
    uint32_t repeats = length == 16   ? 3 + take_bits(bits, 2)
                       : length == 17 ? 3 + take_bits(bits, 3)
                                      : 11 + take_bits(bits, 7);
    if (n + repeats > symbols) return fail(DAMAGED, "exact samples have an impossible code");
    for (; repeats; repeats--) lengths[n++] = (uint8_t)(length == 16 ? before : 0);
  }
  give_to(arena, prefix.symbol);
  give_to(arena, prefix.quick);
  return true;
}

static bool read_prefix(Bits *bits, Prefix *prefix, uint32_t symbols, Arena *arena) {
  uint8_t lengths[MOST_SYMBOLS] = {0};
  if (take_bits(bits, 1)) {
    uint32_t two = take_bits(bits, 1), wide = take_bits(bits, 1), first = take_bits(bits, wide ? 8 : 1);
    lengths[first] = 1;
    if (two) lengths[take_bits(bits, 8)] = 1;
  } else {
    TRY(read_lengths(bits, lengths, symbols, arena));
  }
  return build_prefix(prefix, lengths, symbols, arena) && within(bits);
}
