// Reading untrusted bytes, and their checksums: CRC-32 as zlib has it, SHA-256 of FIPS 180-4.

typedef struct {
  const uint8_t *data;
  size_t size, at;
  int short_code, bad_code;  // what it is to be cut off, and to be malformed
} Reader;

static bool skip(Reader *reader, uint64_t count) {
  if (count > reader->size - reader->at) return fail(reader->short_code, "cut off");
  reader->at += (size_t)count;
  return true;
}

static bool read_integer(Reader *reader, int bytes, uint32_t *value) {
  TRY(skip(reader, (uint64_t)bytes));
  *value = 0;
  for (int n = 1; n <= bytes; n++) *value = *value << 8 | reader->data[reader->at - (size_t)n];
  return true;
}

// An unsigned LEB128 number of at most five bytes, written as short as it can be.
static bool read_varint(Reader *reader, uint64_t *value) {
  *value = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    uint32_t byte;
    TRY(read_integer(reader, 1, &byte));
    *value |= (uint64_t)(byte & 0x7F) << shift;
    if (byte < 0x80) return byte || !shift ? true : fail(reader->bad_code, "malformed number");
  }
  return fail(reader->bad_code, "malformed number");
}

// A number up to `most`, and not below `least`.
static bool read_within(Reader *reader, uint32_t least, uint32_t most, uint32_t *value) {
  uint64_t found;
  TRY(read_varint(reader, &found));
  if (found < least || found > most) return fail(reader->bad_code, "a number that cannot be");
  *value = (uint32_t)found;
  return true;
}

static uint32_t little32(const uint8_t *data) {
  return (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
}

static uint32_t crc32_of(const uint8_t *data, size_t size, uint32_t crc) {
  static uint32_t table[256];
  if (!table[1]) {
    for (uint32_t n = 0; n < 256; n++) {
      uint32_t value = n;
      for (int bit = 0; bit < 8; bit++) value = value >> 1 ^ (0xEDB88320u & -(value & 1));
      table[n] = value;
    }
  }
  crc = ~crc;
  for (size_t n = 0; n < size; n++) crc = crc >> 8 ^ table[(crc ^ data[n]) & 0xFF];
  return ~crc;
}

typedef struct {
  uint32_t state[8];
  uint8_t block[64];
  uint64_t bytes;
} Sha256;

static uint32_t turn(uint32_t value, int by) { return value >> by | value << (32 - by); }

static void sha256_block(Sha256 *sha) {
  static const uint32_t k[64] = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
      0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
      0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
      0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
      0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
      0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
      0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
  uint32_t w[64], s[8];
  for (int n = 0; n < 16; n++) {
    const uint8_t *at = sha->block + 4 * n;
    w[n] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
  }
  for (int n = 16; n < 64; n++) {
    uint32_t low = turn(w[n - 15], 7) ^ turn(w[n - 15], 18) ^ w[n - 15] >> 3;
    uint32_t high = turn(w[n - 2], 17) ^ turn(w[n - 2], 19) ^ w[n - 2] >> 10;
    w[n] = w[n - 16] + low + w[n - 7] + high;
  }
  memcpy(s, sha->state, sizeof s);
  for (int n = 0; n < 64; n++) {
    uint32_t mixed = turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25);
    uint32_t first = s[7] + mixed + ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[n] + w[n];
    uint32_t second =
        (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += first;
    s[0] = first + second;
  }
  for (int n = 0; n < 8; n++) sha->state[n] += s[n];
}

static void sha256_start(Sha256 *sha) {
  *sha = (Sha256){
      {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}, {0}, 0};
}

static void sha256_add(Sha256 *sha, const uint8_t *data, size_t size) {
  while (size) {
    size_t at = sha->bytes % 64, part = size < 64 - at ? size : 64 - at;
    memcpy(sha->block + at, data, part);
    sha->bytes += part, data += part, size -= part;
    if (sha->bytes % 64 == 0) sha256_block(sha);
  }
}

static void sha256_end(Sha256 *sha, uint8_t digest[32]) {
  uint64_t bits = 8 * sha->bytes;
  sha256_add(sha, (const uint8_t *)"\x80", 1);
  while (sha->bytes % 64 != 56) sha256_add(sha, (const uint8_t *)"", 1);
  for (int n = 7; n >= 0; n--) sha256_add(sha, &(uint8_t){(uint8_t)(bits >> 8 * n)}, 1);
  for (int n = 0; n < 32; n++) digest[n] = (uint8_t)(sha->state[n / 4] >> (24 - 8 * (n % 4)));
}
