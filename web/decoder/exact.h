// Exact samples: a VP8L bitstream → RGBA (RFC 9649, section 3).

typedef uint32_t Argb;
enum { GREEN, RED, BLUE, OPACITY, DISTANCE };
enum { PREDICTOR, COLOUR, SUBTRACT_GREEN, PALETTE };

typedef struct {
  uint32_t kind, size_bits, width;  // width of what it is applied to
  Argb *data;
} Transform;

typedef struct {
  Bits bits;
  Arena *arena;
} Vp8l;

static const uint16_t alphabet[5] = {256 + 24, 256, 256, 256, 40};

static uint32_t read_prefixed(Bits *bits, uint32_t symbol) {
  if (symbol < 4) return symbol + 1;
  int extra = (int)(symbol - 2) >> 1;
  return ((2 + (symbol & 1)) << extra) + take_bits(bits, extra) + 1;
}

// Distances up to 120 stand for pixels near by: rows above, and columns to the left plus 8.
static uint32_t distance_of(uint32_t code, uint32_t width) {
  static const uint8_t near_by[120] = {
      0x18, 0x07, 0x17, 0x19, 0x28, 0x06, 0x27, 0x29, 0x16, 0x1a, 0x26, 0x2a, 0x38, 0x05, 0x37, 0x39, 0x15, 0x1b,
      0x36, 0x3a, 0x25, 0x2b, 0x48, 0x04, 0x47, 0x49, 0x14, 0x1c, 0x35, 0x3b, 0x46, 0x4a, 0x24, 0x2c, 0x58, 0x45,
      0x4b, 0x34, 0x3c, 0x03, 0x57, 0x59, 0x13, 0x1d, 0x56, 0x5a, 0x23, 0x2d, 0x44, 0x4c, 0x55, 0x5b, 0x33, 0x3d,
      0x68, 0x02, 0x67, 0x69, 0x12, 0x1e, 0x66, 0x6a, 0x22, 0x2e, 0x54, 0x5c, 0x43, 0x4d, 0x65, 0x6b, 0x32, 0x3e,
      0x78, 0x01, 0x77, 0x79, 0x53, 0x5d, 0x11, 0x1f, 0x64, 0x6c, 0x42, 0x4e, 0x76, 0x7a, 0x21, 0x2f, 0x75, 0x7b,
      0x31, 0x3f, 0x63, 0x6d, 0x52, 0x5e, 0x00, 0x74, 0x7c, 0x41, 0x4f, 0x10, 0x20, 0x62, 0x6e, 0x30, 0x73, 0x7d,
      0x51, 0x5f, 0x40, 0x72, 0x7e, 0x61, 0x6f, 0x50, 0x71, 0x7f, 0x60, 0x70};
  if (code > 120) return code - 120;
  int32_t at = (near_by[code - 1] >> 4) * (int32_t)width + 8 - (near_by[code - 1] & 15);
  return at < 1 ? 1 : (uint32_t)at;
}

static bool read_image(Vp8l *coder, uint32_t width, uint32_t height, bool outermost, Argb **image);

// Read the codes of an image: a group of five, or several with an image that says where each holds.
static bool read_groups(Vp8l *coder, uint32_t width, uint32_t height, bool outermost, uint32_t cache,
                        Prefix (**groups)[5], Argb **map, uint32_t *map_bits) {
  uint32_t count = 1;
  *map = NULL;
  if (outermost && take_bits(&coder->bits, 1)) {
    *map_bits = 2 + take_bits(&coder->bits, 3);
    uint32_t across = parts(width, 1u << *map_bits), down = parts(height, 1u << *map_bits);
    TRY(read_image(coder, across, down, false, map));
    for (uint32_t n = 0; n < across * down; n++) count = larger(count, ((*map)[n] >> 8 & 0xFFFF) + 1);
  }
  TRY(*groups = take_from(coder->arena, count, sizeof **groups));
  for (uint32_t n = 0; n < count; n++)
    for (int m = 0; m < 5; m++) {
      uint32_t symbols = alphabet[m] + (m == GREEN && cache ? 1u << cache : 0);
      TRY(read_prefix(&coder->bits, (*groups)[n] + m, symbols, coder->arena));
    }
  return true;
}

static bool read_image(Vp8l *coder, uint32_t width, uint32_t height, bool outermost, Argb **image) {
  Bits *bits = &coder->bits;
  uint32_t cache = 0, map_bits = 0, size = width * height, cached = 0;
  Argb *map, *colours = NULL;
  Prefix(*groups)[5];
  if (take_bits(bits, 1)) {
    cache = take_bits(bits, 4);
    if (cache < 1 || cache > 11) return fail(DAMAGED, "exact samples have an impossible cache");
    TRY(colours = take_zeros(coder->arena, 1u << cache, sizeof(Argb)));
  }
  TRY(read_groups(coder, width, height, outermost, cache, &groups, &map, &map_bits));
  Argb *pixels = *image = take_from(coder->arena, size, sizeof(Argb));
  TRY(pixels);
  for (uint32_t at = 0; at < size;) {
    uint32_t place = map ? (at / width >> map_bits) * parts(width, 1u << map_bits) + (at % width >> map_bits) : 0;
    const Prefix *group = groups[map ? map[place] >> 8 & 0xFFFF : 0];
    uint32_t symbol = read_symbol(bits, group + GREEN);
    if (symbol < 256) {
      uint32_t red = read_symbol(bits, group + RED), blue = read_symbol(bits, group + BLUE);
      pixels[at++] = read_symbol(bits, group + OPACITY) << 24 | red << 16 | symbol << 8 | blue;
    } else if (symbol < 256 + 24) {
      uint32_t length = read_prefixed(bits, symbol - 256);
      uint32_t back = distance_of(read_prefixed(bits, read_symbol(bits, group + DISTANCE)), width);
      if (back > at || length > size - at) return fail(DAMAGED, "exact samples are impossible");
      for (; length; length--, at++) pixels[at] = pixels[at - back];
    } else {
      for (; cached < at; cached++) colours[0x1E35A7BDu * pixels[cached] >> (32 - cache)] = pixels[cached];
      pixels[at++] = colours[symbol - 256 - 24];
    }
    if (at < size) TRY(within(bits));  // bits that the last sample lacks are zeros, as in libwebp
  }
  return true;
}

static uint32_t byte_of(Argb pixel, int channel) { return pixel >> 8 * channel & 0xFF; }

static Argb add(Argb a, Argb b) {
  return (((a & 0xFF00FF00u) + (b & 0xFF00FF00u)) & 0xFF00FF00u) |
         (((a & 0x00FF00FFu) + (b & 0x00FF00FFu)) & 0x00FF00FFu);
}

static Argb average(Argb a, Argb b) { return (((a ^ b) & 0xFEFEFEFEu) >> 1) + (a & b); }

static Argb select_nearer(Argb left, Argb top, Argb corner) {
  int32_t to_left = 0, to_top = 0;
  for (int n = 0; n < 4; n++) {
    int32_t l = (int32_t)byte_of(left, n), t = (int32_t)byte_of(top, n), c = (int32_t)byte_of(corner, n);
    to_left += abs(t - c), to_top += abs(l - c);
  }
  return to_left < to_top ? left : top;
}

static uint32_t clamp(int32_t value) { return value < 0 ? 0 : value > 255 ? 255 : (uint32_t)value; }

static Argb add_slope(Argb a, Argb b, Argb c, bool half) {
  Argb made = 0;
  for (int n = 0; n < 4; n++) {
    int32_t x = (int32_t)byte_of(a, n), y = (int32_t)byte_of(b, n), z = (int32_t)byte_of(c, n);
    made |= clamp(half ? x + (x - z) / 2 : x + y - z) << 8 * n;
  }
  return made;
}

static Argb predict(uint32_t mode, Argb left, const Argb *top) {
  switch (mode) {
    case 1: return left;
    case 2: return top[0];
    case 3: return top[1];
    case 4: return top[-1];
    case 5: return average(average(left, top[1]), top[0]);
    case 6: return average(left, top[-1]);
    case 7: return average(left, top[0]);
    case 8: return average(top[-1], top[0]);
    case 9: return average(top[0], top[1]);
    case 10: return average(average(left, top[-1]), average(top[0], top[1]));
    case 11: return select_nearer(left, top[0], top[-1]);
    case 12: return add_slope(left, top[0], top[-1], false);
    case 13: return add_slope(average(left, top[0]), 0, top[-1], true);
    default: return 0xFF000000u;
  }
}

static void undo_predictor(const Transform *transform, Argb *pixels, uint32_t height) {
  uint32_t width = transform->width, across = parts(width, 1u << transform->size_bits);
  for (uint32_t row = 0; row < height; row++)
    for (uint32_t column = 0; column < width; column++) {
      Argb *pixel = pixels + (size_t)row * width + column, guess;
      if (!row) guess = column ? pixel[-1] : 0xFF000000u;
      else if (!column) guess = pixel[-(ptrdiff_t)width];
      else {
        Argb block = transform->data[(row >> transform->size_bits) * across + (column >> transform->size_bits)];
        guess = predict(block >> 8 & 15, pixel[-1], pixel - width);
      }
      *pixel = add(*pixel, guess);
    }
}

static uint32_t slope(uint32_t factor, uint32_t value) {
  return (uint32_t)((int32_t)(int8_t)factor * (int8_t)value >> 5);
}

static void undo_colour(const Transform *transform, Argb *pixels, uint32_t height) {
  uint32_t width = transform->width, across = parts(width, 1u << transform->size_bits);
  for (uint32_t row = 0; row < height; row++)
    for (uint32_t column = 0; column < width; column++, pixels++) {
      Argb block = transform->data[(row >> transform->size_bits) * across + (column >> transform->size_bits)];
      uint32_t green = byte_of(*pixels, 1), red = (byte_of(*pixels, 2) + slope(byte_of(block, 0), green)) & 0xFF;
      uint32_t blue = byte_of(*pixels, 0) + slope(byte_of(block, 1), green) + slope(byte_of(block, 2), red);
      *pixels = (*pixels & 0xFF00FF00u) | red << 16 | (blue & 0xFF);
    }
}

static void undo_green(Argb *pixels, uint32_t count) {
  for (uint32_t n = 0; n < count; n++) {
    uint32_t green = byte_of(pixels[n], 1);
    pixels[n] = add(pixels[n], green << 16 | green);
  }
}

// Colours of a palette; several pixels lie in one where there are few.
static bool undo_palette(const Transform *transform, Argb **pixels, uint32_t height, Arena *arena) {
  uint32_t width = transform->width, each = transform->size_bits, across = parts(width, 1u << each);
  Argb *made = take_from(arena, (uint64_t)width * height, sizeof(Argb));
  TRY(made);
  uint32_t bits = 8u >> each, mask = (1u << bits) - 1;
  for (uint32_t row = 0; row < height; row++)
    for (uint32_t column = 0; column < width; column++) {
      uint32_t packed = byte_of((*pixels)[row * across + (column >> each)], 1);
      made[row * width + column] = transform->data[packed >> (column & ((1u << each) - 1)) * bits & mask];
    }
  give_to(arena, *pixels);
  *pixels = made;
  return true;
}

static bool read_transform(Vp8l *coder, Transform *transform, uint32_t *width, uint32_t height) {
  transform->width = *width;
  if (transform->kind == SUBTRACT_GREEN) return true;
  if (transform->kind != PALETTE) {
    transform->size_bits = 2 + take_bits(&coder->bits, 3);
    uint32_t across = parts(*width, 1u << transform->size_bits), down = parts(height, 1u << transform->size_bits);
    return read_image(coder, across, down, false, &transform->data);
  }
  uint32_t colours = 1 + take_bits(&coder->bits, 8);
  Argb *differences;
  TRY(read_image(coder, colours, 1, false, &differences));
  TRY(transform->data = take_zeros(coder->arena, 256, sizeof(Argb)));  // a colour that is not there is 0
  for (uint32_t n = 0; n < colours; n++) transform->data[n] = add(differences[n], n ? transform->data[n - 1] : 0);
  transform->size_bits = colours <= 2 ? 3 : colours <= 4 ? 2 : colours <= 16 ? 1 : 0;
  *width = parts(*width, 1u << transform->size_bits);
  return true;
}

// Decode samples of a size, or of 1×1, which then fill it: RGBA, in `samples`, from `arena`.
static bool decode_exact(const uint8_t *data, size_t size, uint32_t width, uint32_t height, uint8_t **samples,
                         Arena *arena) {
  if (size < 5 || data[0] != 0x2F) return fail(DAMAGED, "exact samples are no picture");
  uint32_t head = little32(data + 1), own_width = 1 + (head & 0x3FFF), own_height = 1 + (head >> 14 & 0x3FFF);
  bool one = own_width == 1 && own_height == 1;
  if (!one && (own_width != width || own_height != height)) return fail(DAMAGED, "exact samples are of another size");
  if (head >> 29) return fail(DAMAGED, "exact samples are of an unknown version");
  Vp8l coder = {{data, size, 5, 0, 0, 0}, arena};
  Transform transforms[4] = {{0}};
  uint32_t count = 0, seen = 0, left_width = own_width;
  Argb *pixels;
  while (take_bits(&coder.bits, 1)) {
    Transform *transform = transforms + count;
    uint32_t kind = take_bits(&coder.bits, 2);
    if (seen >> kind & 1) return fail(DAMAGED, "exact samples repeat a transform");
    seen |= 1u << kind;
    transform->kind = kind;
    TRY(read_transform(&coder, transform, &left_width, own_height));
    count++;
  }
  TRY(read_image(&coder, left_width, own_height, true, &pixels));
  while (count--) {
    const Transform *transform = transforms + count;
    if (transform->kind == PREDICTOR) undo_predictor(transform, pixels, own_height);
    else if (transform->kind == COLOUR) undo_colour(transform, pixels, own_height);
    else if (transform->kind == SUBTRACT_GREEN) undo_green(pixels, transform->width * own_height);
    else TRY(undo_palette(transform, &pixels, own_height, arena));
  }
  uint8_t *to = *samples = take_from(arena, (uint64_t)width * height, 4);
  TRY(to);
  for (uint32_t n = 0; n < width * height; n++, to += 4) {
    Argb pixel = pixels[one ? 0 : n];
    to[0] = (uint8_t)byte_of(pixel, 2), to[1] = (uint8_t)byte_of(pixel, 1), to[2] = (uint8_t)byte_of(pixel, 0);
    to[3] = head >> 28 & 1 ? (uint8_t)byte_of(pixel, 3) : 255;
  }
  return true;
}
