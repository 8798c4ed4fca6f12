// Operations on each element alone, one IEEE 754 operation each.

// Apply an expression of x and y; an operand of one channel, or of one position, is repeated.
#define BOTH(expression)                                                     \
  for (uint32_t channel = 0; channel < out->channels; channel++) {           \
    const float *p = a->data + (a->channels > 1 ? channel * area_of(a) : 0); \
    const float *q = b->data + (b->channels > 1 ? channel * area_of(b) : 0); \
    float *to = out->data + channel * area;                                  \
    if (area_of(a) == area && area_of(b) == area) {                          \
      for (size_t n = 0; n < area; n++) {                                    \
        float x = p[n], y = q[n];                                            \
        to[n] = expression;                                                  \
      }                                                                      \
    } else if (area_of(a) == area) {                                         \
      float y = *q;                                                          \
      for (size_t n = 0; n < area; n++) {                                    \
        float x = p[n];                                                      \
        to[n] = expression;                                                  \
      }                                                                      \
    } else {                                                                 \
      float x = *p;                                                          \
      for (size_t n = 0; n < area; n++) {                                    \
        float y = q[n];                                                      \
        to[n] = expression;                                                  \
      }                                                                      \
    }                                                                        \
  }                                                                          \
  break;

// Operations that take no time in any network: a call for each element keeps the code small.
static float rare_of_two(uint32_t kind, float x, float y) {
  switch (kind) {
    case SUB: return x - y;
    case MAX: return x > y ? x : y;
    default: return x < y ? x : y;
  }
}

static float rare_of_one(uint32_t kind, float x) {
  switch (kind) {
    case ABS: return x < 0 ? -x : x;
    case EXP: return expf(x);
    case LOG: return logf(x);
    case NEG: return -x;
    case RELU: return x > 0 ? x : 0;
    case SIGN: return (float)((x > 0) - (x < 0));
    case SQRT: return sqrtf(x);
    default: return x;
  }
}

static void apply_both(uint32_t kind, const Tensor *a, const Tensor *b, Tensor *out) {
  size_t area = area_of(out);
  switch (kind) {
    case ADD: BOTH(x + y)
    case MUL: BOTH(x * y)
    case DIV: BOTH(x / y)
    default: BOTH(rare_of_two(kind, x, y))
  }
}

#define EACH(expression)               \
  for (size_t n = 0; n < count; n++) { \
    float x = from[n];                 \
    to[n] = expression;                \
  }                                    \
  break;

static void apply_each(const Operation *one, const float *from, float *to, size_t count, float low, float high) {
  float alpha = one->alpha;
  switch (one->kind) {
    case ROUND: EACH(rintf(x))
    case LEAKY_RELU: EACH(x < 0 ? x * alpha : x)
    case CLIP: EACH(x < low ? low : x > high ? high : x)
    default: EACH(rare_of_one(one->kind, x))
  }
}
