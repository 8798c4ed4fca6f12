// The decoder natively, for tests: reads records from standard input and prints a line for each.
//
// A record is a letter, a length (32 bits, little-endian) and that many bytes. "m" is a decoder half, inflated, to
// decode with from then on, and "p" is the same without its adapter; its line is the code. "s" is a stream; its line is the code, the digest of indices, the
// CRC-32 of the pixels, and why it is refused.

#include <stdio.h>

#include "decoder.c"

int main(void) {
  Model *model = NULL, *plain = NULL;
  uint8_t head[5];
  while (fread(head, 1, 5, stdin) == 5) {
    size_t size = little32(head + 1);
    uint8_t *data = malloc(size + !size);  // of its very size: a read beyond is noticed
    if (!data || fread(data, 1, size, stdin) != size) return 2;
    if (head[0] != 's') {
      Model **loaded = head[0] == 'm' ? &model : &plain;
      if (*loaded) tlic_drop_model(*loaded);
      *loaded = tlic_load_model(data, size);
      printf("%d %s\n", tlic_code(), tlic_code() ? tlic_reason() : "");
    } else if (!model) {
      printf("%d - 0 no model\n", MISSING_MODEL);
    } else {
      int code = tlic_verify(model, plain ? plain : model, data, size, 1 << 20);
      uint8_t found[32];
      memcpy(found, tlic_digest(), sizeof found);
      int shown = tlic_decode(model, plain ? plain : model, data, size, 1 << 20);
      uint32_t crc = shown ? 0 : crc32_of(tlic_pixels(), 4 * (size_t)tlic_facts()[0] * tlic_facts()[1], 0);
      printf("%d ", code ? code : shown);
      for (int n = 0; n < 32; n++) printf("%02x", code ? 0 : found[n]);
      printf(" %08x %s\n", (unsigned)crc, code || shown ? tlic_reason() : "");
      tlic_give(tlic_pixels());
    }
    fflush(stdout);
    free(data);
  }
  if (model) tlic_drop_model(model);
  if (plain) tlic_drop_model(plain);
  return 0;
}
