// Memory that is bounded and freed at once, and the one way to fail.

enum { OK, NOT_A_STREAM, UNSUPPORTED, DAMAGED, INCOMPLETE, TOO_LARGE, MISSING_MODEL, DAMAGED_MODEL, OUT_OF_MEMORY };

static int failure;
static const char *failure_reason = "";

static bool fail(int code, const char *reason) {
  failure = code;
  failure_reason = reason;
  return false;
}

#define TRY(done)              \
  do {                         \
    if (!(done)) return false; \
  } while (0)
#define MOST_MEMORY ((size_t)1 << 30)

// All memory of one purpose: what is not given back by itself goes when the arena is emptied, also after a failure.
typedef struct Block {
  struct Block *before, *after;
  size_t size, unused;
} Block;

typedef struct {
  Block *last;
  size_t used;
} Arena;

static void *take_from(Arena *arena, uint64_t count, size_t size) {
  if (count > MOST_MEMORY / size || count * size > MOST_MEMORY - arena->used) {
    fail(OUT_OF_MEMORY, "more memory is needed than a decoder may take");
    return NULL;
  }
  size_t bytes = (size_t)count * size;
  Block *block = malloc(sizeof(Block) + bytes);
  if (!block) {
    fail(OUT_OF_MEMORY, "there is not enough memory");
    return NULL;
  }
  *block = (Block){arena->last, NULL, bytes, 0};
  if (arena->last) arena->last->after = block;
  arena->last = block;
  arena->used += bytes;
  return block + 1;
}

static void *take_zeros(Arena *arena, uint64_t count, size_t size) {
  void *taken = take_from(arena, count, size);
  if (taken) memset(taken, 0, (size_t)count * size);
  return taken;
}

static void give_to(Arena *arena, void *taken) {
  if (!taken) return;
  Block *block = (Block *)taken - 1;
  if (block->before) block->before->after = block->after;
  if (block->after) block->after->before = block->before;
  else arena->last = block->before;
  arena->used -= block->size;
  free(block);
}

static void empty(Arena *arena) {
  while (arena->last) give_to(arena, arena->last + 1);
}
