// A decoder of .tlic streams (docs/format.md) in one translation unit: for browsers as WebAssembly, natively for tests.
//
// It decodes whole pictures: latents, blocks, exact units, alpha. Streams and models may be hostile: all is checked, memory is
// bounded, and what cannot be is refused by a code and a reason. Its functions are those that tlic.js calls.

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#endif

#ifdef __clang__  // what takes no time is compiled to be small
#define SMALL_BEGIN _Pragma("clang attribute push(__attribute__((minsize)), apply_to = function)")
#define SMALL_END _Pragma("clang attribute pop")
#else
#define SMALL_BEGIN
#define SMALL_END
#endif

SMALL_BEGIN
#include "memory.h"
#include "bytes.h"
#include "stream.h"
#include "model.h"
SMALL_END
#include "rans.h"
#include "convolve.h"
#include "elements.h"
SMALL_BEGIN
#include "prepare.h"
#include "operations.h"
#include "graph.h"
#include "ring.h"
SMALL_END
#include "correction.h"
#include "coding.h"
SMALL_BEGIN
#include "layers.h"
#include "prefix.h"
#include "exact.h"
#include "restore.h"
#include "deblock.h"
#include "picture.h"

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(name)))
#else
#define EXPORT(name)
#endif

static uint32_t facts[10];     // width, height, grey, alpha, quality, quantizer, tiles, model, adapted, adapter
static uint32_t metadata[15];  // of section types 128 to 132: whether it is there, start, length
static uint8_t digest[32];
static uint8_t *pixels;

EXPORT("take") void *tlic_take(size_t size) { return malloc(size + !size); }
EXPORT("give") void tlic_give(void *taken) { free(taken); }
EXPORT("code") int tlic_code(void) { return failure; }
EXPORT("reason") const char *tlic_reason(void) { return failure_reason; }
EXPORT("facts") const uint32_t *tlic_facts(void) { return facts; }
EXPORT("metadata") const uint32_t *tlic_metadata(void) { return metadata; }
EXPORT("digest") const uint8_t *tlic_digest(void) { return digest; }
EXPORT("pixels") uint8_t *tlic_pixels(void) { return pixels; }
EXPORT("model_hash") const uint8_t *tlic_model_hash(const Model *model) { return model->sha256; }
EXPORT("model_adapter") const uint32_t *tlic_model_adapter(const Model *model) {
  return model->adapted ? &model->adapter : NULL;
}

EXPORT("drop_model") void tlic_drop_model(Model *model) {
  empty(&model->arena);
  free(model);
}

// Keep the tables beyond the life of the bytes they were read from, and all arrays that are needed, widened.
static bool keep(Model *model) {
  Frequencies *sets[2] = {model->frequencies, model->offset};
  uint32_t counts[2] = {model->sets, model->offset_sets};
  for (int kind = 0; kind < 2; kind++)
    for (uint32_t n = 0; n < counts[kind]; n++) {
      size_t size = 2 * (size_t)sets[kind][n].count;
      uint8_t *kept = take_from(&model->arena, size, 1);
      TRY(kept);
      memcpy(kept, sets[kind][n].planes, size);
      sets[kind][n].planes = kept;
    }
  for (uint32_t n = 0; n < model->graphs; n++) TRY(prepare(model, model->graph + n));
  for (uint32_t n = 0; n < model->code_steps; n++) {
    if (!model->step[n].codes || model->step[n].log_scale != QUALITY) continue;
    Array *array = model->array + model->step[n].scale_array;
    if (!array->values) TRY(array->values = widen(array, &model->arena));
  }
  return true;
}

// Return a model made of the inflated bytes of a decoder half, or NULL where they are none.
EXPORT("load_model") Model *tlic_load_model(const uint8_t *data, size_t size) {
  Model *model = calloc(1, sizeof(Model));
  failure = OK;
  if (!model) {
    fail(OUT_OF_MEMORY, "there is not enough memory");
  } else if (!parse_model(model, data, size) || !keep(model)) {
    tlic_drop_model(model);
    return NULL;
  }
  return model;
}

// Whether a model is what a stream needs: its own, with the stream's adapter merged, which one that it holds is
// already.
static bool fits_model(const Stream *stream, const Model *model) {
  if (stream->model != little32(model->sha256)) return fail(MISSING_MODEL, "needs another model");
  if (!stream->adapter == !model->adapted && stream->adapter_name == model->adapter) return true;
  return fail(MISSING_MODEL, "needs a model with another adapter, or with none");
}

static void report(const Stream *stream) {
  const Entry *adapter = stream->adapter;
  const uint32_t found[10] = {stream->width,     stream->height, stream->grey,  stream->alpha,   stream->quality,
                              stream->quantizer, stream->units,  stream->model, adapter != NULL, stream->adapter_name};
  memcpy(facts, found, sizeof facts);
  for (int n = 0; n <= RESOLUTION - ICC; n++) {
    const Entry *entry = stream->metadata[n];
    metadata[3 * n] = entry != NULL;
    metadata[3 * n + 1] = entry ? (uint32_t)entry->start : 0;
    metadata[3 * n + 2] = entry ? (uint32_t)entry->length : 0;
  }
}

// Read header and index. Returns a code: 0, or why the stream is refused; so do the next two.
EXPORT("describe") int tlic_describe(const uint8_t *data, size_t size, uint32_t most_pixels) {
  Arena arena = {NULL, 0};
  Stream stream;
  failure = OK;
  if (parse_stream(&stream, data, size, most_pixels, &arena)) report(&stream);
  empty(&arena);
  return failure;
}

// Whether two models take the same steps with the same variables, so that one may go on where the other was.
static bool are_alike(const Model *one, const Model *other) {
  bool alike = !memcmp(&one->margin, &other->margin, offsetof(Model, array) - offsetof(Model, margin));
  alike = alike && !memcmp(one->read, other->read, one->read_count * sizeof(Read));
  alike = alike && !memcmp(one->write, other->write, one->write_count * sizeof(uint32_t));
  return (alike && !memcmp(one->step, other->step, one->steps * sizeof(Step))) || bad("models are not alike");
}

// Find which of both models does what, where an adapter is of coarse planes of layers alone.
static bool share_out_models(Picture *picture, const Model *plain) {
  const Stream *stream = picture->stream;
  if (!stream->layers) return true;
  TRY(picture->layering = start_layers(stream, picture->arena));
  if (!picture->layering->coarse || !stream->adapter) return true;
  if (!plain || plain->adapted || stream->model != little32(plain->sha256))
    return fail(MISSING_MODEL, "needs its model without an adapter, too");
  TRY(are_alike(plain, picture->model));
  picture->fine = plain;
  return true;
}

static bool decode_with(const Model *model, const Model *plain, const uint8_t *data, size_t size, uint32_t most_pixels,
                        Sha256 *seen, Arena *arena) {
  Stream stream;
  TRY(parse_stream(&stream, data, size, most_pixels, arena));
  report(&stream);
  Picture picture = {&stream, model, model, model, {.seen = seen}, {.seen = seen}, NULL, arena, NULL, 0, NULL, NULL, NULL};
  TRY(fits_model(&stream, model) && prove(&stream) && unpack_blocks(&stream, arena));
  TRY(share_out_models(&picture, plain));
  TRY(picture.latents = take_zeros(arena, stream.units, sizeof(Tensor)));
  TRY(read_restoration(&stream, &picture.restoration, arena));
  if (picture.layering && layers_of(&stream) < picture.layering->layers) picture.restoration = NULL;
  if (!seen) {
    uint64_t bytes = 4 * (uint64_t)stream.width * stream.height;
    pixels = bytes <= MOST_MEMORY ? malloc((size_t)bytes) : NULL;
    if (!pixels) return fail(OUT_OF_MEMORY, "there is not enough memory");
    memset(pixels, 255, (size_t)bytes);
    picture.pixels = pixels;
  }
  return decode_tiles(&picture);
}

// Decode the picture: RGBA at tlic_pixels(), which the caller gives back. The model without its adapter may be needed,
// too; it is NULL where there is none.
EXPORT("decode") int tlic_decode(const Model *model, const Model *plain, const uint8_t *data, size_t size,
                                 uint32_t most_pixels) {
  Arena arena = {NULL, 0};
  failure = OK;
  pixels = NULL;
  if (!decode_with(model, plain, data, size, most_pixels, NULL, &arena)) {
    free(pixels);
    pixels = NULL;
  }
  empty(&arena);
  return failure;
}

// Decode all but the picture itself: the SHA-256 of indices, and of exact samples, at tlic_digest().
EXPORT("verify") int tlic_verify(const Model *model, const Model *plain, const uint8_t *data, size_t size,
                                 uint32_t most_pixels) {
  Arena arena = {NULL, 0};
  Sha256 seen;
  failure = OK;
  sha256_start(&seen);
  if (decode_with(model, plain, data, size, most_pixels, &seen, &arena)) sha256_end(&seen, digest);
  empty(&arena);
  return failure;
}
SMALL_END
