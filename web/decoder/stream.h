// The container: header, index, and where the sections of each tile lie. Nothing here reads a payload but for its
// checksum.

#define STRIDE 64
#define LARGEST_SIDE (1u << 24)
#define MOST_AT_ONCE (1u << 23)
#define HIGHEST_QUALITY 25600
#define LARGEST_ADAPTER (1u << 20)
#define MOST_LAYERS 29
enum {
  LATENTS = 0,
  EXACT = 1,
  EXACT_ALPHA = 2,
  BLOCKS = 3,
  BLOCKS_ALPHA = 4,
  LAYER = 5,
  ALPHA = 16,
  ADAPTER = 17,
  LAYERS = 18,
  ICC = 128,
  RESOLUTION = 132,
  OPTIONAL_FROM = 128
};

typedef struct {
  uint32_t left, top, right, bottom;
} Box;

typedef struct {
  uint32_t type, seed, checksum;
  uint64_t start, length;
} Entry;

typedef struct {
  uint32_t coded, alpha;  // numbers of entries; NONE for alpha where there is none
  uint32_t place;         // among the tiles that have layers
} Unit;
#define NONE 0xFFFFFFFFu
#define GROUP 8u  // blocks in a row and in a column of a group

typedef struct {
  const uint8_t *data;
  size_t size;
} Part;

typedef struct {
  const uint8_t *data;
  size_t size;
  uint32_t model, width, height, tile_width, tile_height, quality, quantizer;
  bool grey, alpha, blocks;  // whether tiles are blocks, which predict each other
  uint32_t columns, rows, count, units, adapter_name;
  uint32_t layered, further, first_further;  // tiles that have layers, and the entries of layers after their first
  Entry *entries;
  Unit *unit;
  Part *block;  // alpha and latents of each block; without data where there are none
  Entry *adapter, *layers, *metadata[RESOLUTION - ICC + 1];  // NULL where they are missing
  Part restoration;                                          // of no bytes where there is none
} Stream;

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }
static uint32_t larger(uint32_t a, uint32_t b) { return a > b ? a : b; }
static uint32_t coded_side(uint32_t side) { return (side + STRIDE - 1) / STRIDE * STRIDE; }
static uint32_t parts(uint32_t whole, uint32_t part) { return (whole + part - 1) / part; }

static Box common(Box a, Box b) {
  return (Box){larger(a.left, b.left), larger(a.top, b.top), smaller(a.right, b.right), smaller(a.bottom, b.bottom)};
}

static Box tile_of(const Stream *stream, uint32_t number) {
  uint32_t left = number % stream->columns * stream->tile_width, top = number / stream->columns * stream->tile_height;
  return (Box){left, top, smaller(left + stream->tile_width, coded_side(stream->width)),
               smaller(top + stream->tile_height, coded_side(stream->height))};
}

// The part of a tile that lies in the picture.
static Box shown_of(const Stream *stream, uint32_t number) {
  return common(tile_of(stream, number), (Box){0, 0, stream->width, stream->height});
}

static bool possible_tile(uint32_t side, uint64_t units) {
  return STRIDE * units >= smaller(128, coded_side(side)) && STRIDE * units <= coded_side(side);
}

static bool read_restored(Reader *reader, Part *part) {
  uint64_t size;
  TRY(read_varint(reader, &size));
  if (!size) return fail(DAMAGED, "a restoration of no bytes");
  *part = (Part){reader->data + reader->at, (size_t)size};
  return skip(reader, size);
}

static bool read_header(Reader *reader, Stream *stream, bool *indexed, uint32_t most_pixels) {
  static const uint8_t magic[3] = {0x93, 'T', 'L'};
  if (reader->size < 4 || memcmp(reader->data, magic, 3)) return fail(NOT_A_STREAM, "not a .tlic file");
  if (reader->data[3] != 'C') return fail(UNSUPPORTED, "a version of stream that is not known");
  reader->at = 4;
  uint64_t width, height;
  uint32_t quality, flags = 9;
  TRY(read_integer(reader, 4, &stream->model));
  TRY(read_varint(reader, &width) && read_varint(reader, &height) && read_integer(reader, 2, &quality));
  if (quality & 0x8000) TRY(read_integer(reader, 1, &flags));
  if (width < 1 || height < 1 || width > LARGEST_SIDE || height > LARGEST_SIDE) return fail(DAMAGED, "impossible size");
  if ((quality & 0x7FFF) > HIGHEST_QUALITY) return fail(DAMAGED, "impossible quality");
  stream->width = (uint32_t)width, stream->height = (uint32_t)height, stream->quality = quality & 0x7FFF;
  stream->quantizer = flags & 15, stream->grey = flags >> 4 & 1, *indexed = flags >> 6 & 1;
  stream->tile_width = coded_side(stream->width), stream->tile_height = coded_side(stream->height);
  if (flags & 0x20) {
    TRY(read_varint(reader, &width) && read_varint(reader, &height));
    if (!possible_tile(stream->width, width) || !possible_tile(stream->height, height))
      return fail(DAMAGED, "impossible tiles");
    stream->tile_width = (uint32_t)(STRIDE * width), stream->tile_height = (uint32_t)(STRIDE * height);
  }
  stream->columns = parts(coded_side(stream->width), stream->tile_width);
  stream->rows = parts(coded_side(stream->height), stream->tile_height);
  if (flags & 0x20 && stream->columns * (uint64_t)stream->rows == 1) return fail(DAMAGED, "impossible tiles");
  if (flags & 0x80) TRY(read_restored(reader, &stream->restoration));
  if ((uint64_t)coded_side(stream->width) * coded_side(stream->height) > larger(most_pixels, STRIDE * STRIDE))
    return fail(TOO_LARGE, "more pixels than the limit");
  if ((uint64_t)stream->tile_width * stream->tile_height > MOST_AT_ONCE)
    return fail(UNSUPPORTED, "more pixels coded at once than can be decoded");
  return true;
}

static bool read_index(Reader *reader, Stream *stream, bool indexed, Arena *arena) {
  uint32_t seed = crc32_of(reader->data, reader->at, 0), check, tiles = stream->columns * stream->rows;
  uint64_t count = 1;
  if (indexed) TRY(read_varint(reader, &count));
  if (count > (1 + MOST_LAYERS) * (uint64_t)tiles + 64) return fail(DAMAGED, "more sections than a stream can have");
  stream->count = (uint32_t)count;
  uint64_t room = (reader->size - reader->at) / 5;  // an entry has five bytes at least: more cannot be read
  TRY(stream->entries = take_from(arena, (count < room ? count : room) + 1, sizeof(Entry)));
  for (uint32_t n = 0; n < stream->count; n++) {
    Entry entry = {0};
    size_t begin = reader->at;
    if (indexed) TRY(read_integer(reader, 1, &entry.type));
    TRY(read_varint(reader, &entry.length));
    entry.seed = crc32_of(reader->data + begin, reader->at - begin, seed);
    TRY(read_integer(reader, 4, &entry.checksum));
    stream->entries[n] = entry;
  }
  uint32_t crc = crc32_of(reader->data, reader->at, 0);
  TRY(read_integer(reader, 2, &check));
  if (check != (crc >> 16 ^ (crc & 0xFFFF))) return fail(DAMAGED, "the header's checksum is wrong");
  for (uint32_t n = 0; n < stream->count; n++) count -= stream->entries[n].type == LAYER;
  if (count > 2 * (uint64_t)tiles + 64) return fail(DAMAGED, "more sections than a stream can have");
  uint64_t start = reader->at;
  for (uint32_t n = 0; n < stream->count; n++) {
    stream->entries[n].start = start;
    start += stream->entries[n].length;
  }
  return true;
}

// Whether tiles have the sides of blocks.
static bool possible_blocks(const Stream *stream) {
  static const uint32_t sides[4] = {128, 192, 256, 384};
  for (int n = 0; n < 4; n++)
    if (stream->tile_width == smaller(sides[n], coded_side(stream->width)) &&
        stream->tile_height == smaller(sides[n], coded_side(stream->height)) && stream->columns * stream->rows > 1)
      return true;
  return false;
}

// Give each block the section of its group for a unit.
static bool sort_blocks(Stream *stream, Arena *arena) {
  if (!possible_blocks(stream)) return fail(DAMAGED, "impossible blocks");
  uint32_t across = parts(stream->columns, GROUP), groups = stream->units;
  if (groups != across * parts(stream->rows, GROUP)) return fail(DAMAGED, "more or fewer groups than blocks take");
  for (uint32_t n = 0; n < groups; n++)
    if (stream->entries[stream->unit[n].coded].type != BLOCKS &&
        stream->entries[stream->unit[n].coded].type != BLOCKS_ALPHA)
      return fail(DAMAGED, "blocks among tiles");
  stream->units = stream->columns * stream->rows;
  Unit *unit = take_from(arena, stream->units, sizeof(Unit));
  TRY(unit);
  for (uint32_t n = 0; n < stream->units; n++)
    unit[n] = stream->unit[n / stream->columns / GROUP * across + n % stream->columns / GROUP];
  stream->unit = unit;
  return true;
}

static bool sort_sections(Stream *stream, Arena *arena) {
  uint32_t alpha = NONE, tiles = stream->columns * stream->rows;
  TRY(stream->unit = take_from(arena, stream->count, sizeof(Unit)));
  for (uint32_t n = 0; n < stream->count; n++) {
    Entry *entry = stream->entries + n;
    bool layer = entry->type == LAYER;
    if (layer && stream->units == tiles && alpha == NONE) {
      if (!stream->further++) stream->first_further = n;
    } else if (stream->further) {
      return fail(DAMAGED, "other sections between layers");
    } else if (entry->type <= BLOCKS_ALPHA || layer) {
      if (alpha != NONE && entry->type >= EXACT_ALPHA && !layer) return fail(DAMAGED, "a tile has alpha twice");
      stream->alpha |= alpha != NONE || entry->type == EXACT_ALPHA || entry->type == BLOCKS_ALPHA;
      stream->blocks |= entry->type == BLOCKS || entry->type == BLOCKS_ALPHA;
      stream->unit[stream->units++] = (Unit){n, alpha, stream->layered};
      stream->layered += layer;
      alpha = NONE;
    } else if (entry->type == ALPHA) {
      if (alpha != NONE) return fail(DAMAGED, "a tile has alpha twice");
      alpha = n;
    } else if (entry->type < OPTIONAL_FROM && entry->type != ADAPTER && entry->type != LAYERS) {
      return fail(UNSUPPORTED, "a section type that is not known");
    } else if (stream->units || alpha != NONE) {
      return fail(DAMAGED, "other sections after the first tile");
    } else if (entry->type <= RESOLUTION) {
      Entry **once = entry->type == ADAPTER  ? &stream->adapter
                     : entry->type == LAYERS ? &stream->layers
                                             : stream->metadata + entry->type - ICC;
      if (*once) return fail(DAMAGED, "a section occurs twice");
      *once = entry;
    }
  }
  if (alpha != NONE || !stream->units) return fail(DAMAGED, "no tile at the end");
  if (stream->further && (!stream->layered || stream->further % stream->layered ||
                          stream->further >= MOST_LAYERS * (uint64_t)stream->layered))
    return fail(DAMAGED, "not as many layers of each tile");
  if (stream->blocks) return sort_blocks(stream, arena);
  if (stream->units != tiles) return fail(DAMAGED, "more or fewer tiles than are announced");
  if (!stream->layers != !stream->layered) return fail(DAMAGED, "layers without a list of layers, or the reverse");
  return true;
}

// Read the name of an adapter; one that the stream holds must hash to it.
static bool read_adapter(Stream *stream) {
  const Entry *entry = stream->adapter;
  if (!entry) return true;
  if (entry->length < 4 || entry->length > 4 + LARGEST_ADAPTER)
    return fail(DAMAGED, "an adapter of an impossible size");
  stream->adapter_name = little32(stream->data + entry->start);
  if (entry->length == 4) return true;
  Sha256 sha;
  uint8_t name[32];
  sha256_start(&sha);
  sha256_add(&sha, stream->data + entry->start + 4, (size_t)entry->length - 4);
  sha256_end(&sha, name);
  return little32(name) == stream->adapter_name || fail(DAMAGED, "an adapter is not the one that is named");
}

// Read all but payloads, except the adapter's. `most_pixels` counts pixels as they are coded.
static bool parse_stream(Stream *stream, const uint8_t *data, size_t size, uint32_t most_pixels, Arena *arena) {
  Reader reader = {data, size, 0, INCOMPLETE, DAMAGED};
  bool indexed;
  *stream = (Stream){.data = data, .size = size};
  TRY(read_header(&reader, stream, &indexed, most_pixels) && read_index(&reader, stream, indexed, arena));
  TRY(sort_sections(stream, arena));
  const Entry *last = stream->entries + stream->count - 1;
  if (size > last->start + last->length) return fail(DAMAGED, "bytes after the stream's end");
  if (size < last->start + last->length) return fail(INCOMPLETE, "cut off");
  return read_adapter(stream);
}

// Find alpha and latents of the blocks of a group, whose first is in a row and column, in its section.
static bool unpack_group(Stream *stream, uint32_t top, uint32_t left) {
  uint32_t bottom = smaller(top + GROUP, stream->rows), right = smaller(left + GROUP, stream->columns);
  const Entry *entry = stream->entries + stream->unit[top * stream->columns + left].coded;
  Reader reader = {stream->data + entry->start, (size_t)entry->length, 0, DAMAGED, DAMAGED};
  uint64_t sum = 0, length;
  for (int pass = 0; pass < 2; pass++) {
    for (uint32_t row = top; row < bottom; row++)
      for (uint32_t column = left; column < right; column++) {
        Part *part = stream->block + 2 * (row * stream->columns + column);
        for (int n = entry->type == BLOCKS ? 1 : 0; n < 2; n++) {
          if (!pass) {
            TRY(read_varint(&reader, &length));
            part[n].size = (size_t)length;
            sum += length;
          } else {
            part[n].data = reader.data + reader.at;
            reader.at += part[n].size;
          }
        }
      }
    if (sum != (pass ? sum : reader.size - reader.at)) return fail(DAMAGED, "blocks of other lengths than there are");
  }
  return true;
}

static bool unpack_blocks(Stream *stream, Arena *arena) {
  if (!stream->blocks) return true;
  TRY(stream->block = take_zeros(arena, 2 * (uint64_t)stream->units, sizeof(Part)));
  for (uint32_t top = 0; top < stream->rows; top += GROUP)
    for (uint32_t left = 0; left < stream->columns; left += GROUP) TRY(unpack_group(stream, top, left));
  return true;
}

static Part part_of(const Stream *stream, uint32_t entry) {
  const Entry *found = stream->entries + entry;
  return (Part){stream->data + found->start, (size_t)found->length};
}

// Alpha of a tile, without data where it has none, and what it is coded by.
static Part alpha_of(const Stream *stream, uint32_t number) {
  Part block = stream->blocks ? stream->block[2 * number] : (Part){NULL, 0};
  if (stream->blocks) return block.size ? block : (Part){NULL, 0};
  return stream->unit[number].alpha == NONE ? block : part_of(stream, stream->unit[number].alpha);
}
static Part coded_of(const Stream *stream, uint32_t number) {
  return stream->blocks ? stream->block[2 * number + 1] : part_of(stream, stream->unit[number].coded);
}

static bool prove(const Stream *stream) {
  for (uint32_t n = 0; n < stream->count; n++) {
    const Entry *entry = stream->entries + n;
    if (crc32_of(stream->data + entry->start, (size_t)entry->length, entry->seed) != entry->checksum)
      return fail(DAMAGED, "the checksum of a section is wrong");
  }
  return true;
}
