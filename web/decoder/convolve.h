// Convolutions: as products of matrices, eight positions by four channels at a time; depthwise ones by their taps.

typedef struct {
  uint32_t channels, height, width;
  float *data;
  bool owned;
} Tensor;

static size_t area_of(const Tensor *tensor) { return (size_t)tensor->height * tensor->width; }

typedef float Four __attribute__((vector_size(16)));
typedef float Loose __attribute__((vector_size(16), aligned(4)));
typedef int32_t Mask __attribute__((vector_size(16)));

static inline Four load(const float *from) { return *(const Loose *)from; }
static inline void store(float *to, Four values) { *(Loose *)to = values; }

static inline Four splat(const float *from) {
#ifdef __wasm_simd128__
  return (Four)wasm_v128_load32_splat(from);
#else
  return (Four){*from, *from, *from, *from};
#endif
}

static inline Four leaky(Four values, float alpha) {
  Mask negative = values < 0;
  return (Four)((negative & (Mask)(values * alpha)) | (~negative & (Mask)values));
}

// Where a convolution looks: kernel, padding above and at the left, strides, dilations.
typedef struct {
  uint32_t rows, columns, top, left, down, across, rows_apart, columns_apart;
} Window;

#define PANEL 8

// Gather the inputs of up to eight neighbouring outputs: [taps][channels][8], zeros beyond the edges.
static void gather(const Tensor *x, const Window *window, uint32_t width, size_t at, uint32_t count, float *panel) {
  size_t area = area_of(x);
  for (uint32_t tap = 0; tap < window->rows * window->columns; tap++) {
    int64_t from[PANEL];
    bool straight = count == PANEL;
    for (uint32_t n = 0; n < PANEL; n++) {
      int64_t row =
          (int64_t)((at + n) / width * window->down + tap / window->columns * window->rows_apart) - window->top;
      int64_t column =
          (int64_t)((at + n) % width * window->across + tap % window->columns * window->columns_apart) - window->left;
      bool inside = n < count && row >= 0 && row < x->height && column >= 0 && column < x->width;
      from[n] = inside ? row * x->width + column : -1;
      straight &= inside && from[n] == from[0] + n;
    }
    for (uint32_t channel = 0; channel < x->channels; channel++, panel += PANEL) {
      const float *plane = x->data + channel * area;
      if (straight) {
        store(panel, load(plane + from[0]));
        store(panel + 4, load(plane + from[0] + 4));
        continue;
      }
      for (uint32_t n = 0; n < PANEL; n++) panel[n] = from[n] < 0 ? 0 : plane[from[n]];
    }
  }
}

// Four rows of a matrix times a panel, onto the bias.
static inline void multiply(const Matrix *matrix, uint32_t row, const float *panel, Four sums[4][2]) {
  const float *weights = matrix->weights + (size_t)row * matrix->depth;
  Four a0, a1, b0, b1, c0, c1, d0, d1;
  a0 = a1 = splat(matrix->bias + row), b0 = b1 = splat(matrix->bias + row + 1);
  c0 = c1 = splat(matrix->bias + row + 2), d0 = d1 = splat(matrix->bias + row + 3);
  for (uint32_t k = 0; k < matrix->depth; k++, weights += 4, panel += PANEL) {
    Four left = load(panel), right = load(panel + 4), weight = splat(weights);
    a0 += weight * left, a1 += weight * right, weight = splat(weights + 1);
    b0 += weight * left, b1 += weight * right, weight = splat(weights + 2);
    c0 += weight * left, c1 += weight * right, weight = splat(weights + 3);
    d0 += weight * left, d1 += weight * right;
  }
  sums[0][0] = a0, sums[0][1] = a1, sums[1][0] = b0, sums[1][1] = b1;
  sums[2][0] = c0, sums[2][1] = c1, sums[3][0] = d0, sums[3][1] = d1;
}

static void convolve(const Matrix *matrix, const Window *window, float alpha, const Tensor *x, Tensor *y,
                     float *panel) {
  size_t area = area_of(y);
  for (size_t at = 0; at < area; at += PANEL) {
    uint32_t count = area - at < PANEL ? (uint32_t)(area - at) : PANEL;
    gather(x, window, y->width, at, count, panel);
    for (uint32_t row = 0; row < matrix->rows; row += 4) {
      Four sums[4][2];
      multiply(matrix, row, panel, sums);
      for (uint32_t n = 0; n < 4 && row + n < matrix->rows; n++) {
        float *to = y->data + (row + n) * area + at;
        Four left = alpha == 1 ? sums[n][0] : leaky(sums[n][0], alpha);
        Four right = alpha == 1 ? sums[n][1] : leaky(sums[n][1], alpha);
        if (count == PANEL) {
          store(to, left), store(to + 4, right);
        } else {
          for (uint32_t m = 0; m < count; m++) to[m] = m < 4 ? left[m] : right[m - 4];
        }
      }
    }
  }
}

// Each input position adds its kernel, times its channels, to the outputs around it: rows are [channels][kernel].
static void convolve_transposed(const Matrix *matrix, const Window *window, const Tensor *x, Tensor *y, float *panel,
                                float *products) {
  const Window one = {1, 1, 0, 0, 1, 1, 1, 1};
  size_t area = area_of(x), room = ((size_t)matrix->rows + 3) / 4 * 4;
  for (size_t at = 0; at < area; at += PANEL) {
    uint32_t count = area - at < PANEL ? (uint32_t)(area - at) : PANEL;
    gather(x, &one, x->width, at, count, panel);
    for (uint32_t row = 0; row < matrix->rows; row += 4) {
      Four sums[4][2];
      multiply(matrix, row, panel, sums);
      for (uint32_t n = 0; n < PANEL; n++)
        for (uint32_t m = 0; m < 4; m++) products[n * room + row + m] = sums[m][n / 4][n % 4];
    }
    for (uint32_t n = 0; n < count; n++) {
      int64_t top = (int64_t)((at + n) / x->width * window->down) - window->top;
      int64_t left = (int64_t)((at + n) % x->width * window->across) - window->left;
      int64_t first = left < 0 ? -left : 0,
              last = y->width - left < window->columns ? y->width - left : window->columns;
      const float *from = products + n * room;
      for (uint32_t channel = 0; channel < y->channels; channel++)
        for (uint32_t row = 0; row < window->rows; row++, from += window->columns) {
          if (top + row < 0 || top + row >= y->height) continue;
          float *to = y->data + (channel * (size_t)y->height + (size_t)(top + row)) * y->width;
          for (int64_t column = first; column < last; column++) to[left + column] += from[column];
        }
    }
  }
}

// A 3×3 kernel of its own for each channel, stride 1, padded by 1; `padded` has room for a plane with its padding.
static void convolve_planes(const Matrix *matrix, float alpha, const Tensor *x, Tensor *y, float *padded) {
  uint32_t height = x->height, width = x->width;
  size_t stride = (size_t)width + 2;
  memset(padded, 0, (height + 2) * stride * sizeof(float));
  for (uint32_t channel = 0; channel < x->channels; channel++) {
    const float *w = matrix->weights + 9 * (size_t)channel, *from = x->data + channel * area_of(x);
    float bias = matrix->bias[channel], *to = y->data + channel * area_of(y);
    for (uint32_t row = 0; row < height; row++)
      memcpy(padded + (row + 1) * stride + 1, from + row * (size_t)width, width * sizeof(float));
    for (uint32_t row = 0; row < height; row++, to += width) {
      const float *a = padded + row * stride, *b = a + stride, *c = b + stride;
      for (uint32_t n = 0; n < width; n++) {
        float sum = bias + a[n] * w[0] + a[n + 1] * w[1] + a[n + 2] * w[2] + b[n] * w[3] + b[n + 1] * w[4] +
                    b[n + 2] * w[5] + c[n] * w[6] + c[n + 1] * w[7] + c[n + 2] * w[8];
        to[n] = sum < 0 ? sum * alpha : sum;
      }
    }
  }
}

// Any other convolution in groups, tap by tap.
static void convolve_groups(const Matrix *matrix, const Window *window, uint32_t groups, float alpha, const Tensor *x,
                            Tensor *y) {
  uint32_t taps = window->rows * window->columns, of_group = x->channels / groups, made = y->channels / groups;
  for (uint32_t channel = 0; channel < y->channels; channel++)
    for (size_t at = 0; at < area_of(y); at++) {
      float sum = matrix->bias[channel];
      for (uint32_t n = 0; n < of_group * taps; n++) {
        int64_t row =
            (int64_t)(at / y->width * window->down + n % taps / window->columns * window->rows_apart) - window->top;
        int64_t column =
            (int64_t)(at % y->width * window->across + n % window->columns * window->columns_apart) - window->left;
        if (row < 0 || row >= x->height || column < 0 || column >= x->width) continue;
        size_t plane = channel / made * of_group + n / taps;
        sum += x->data[plane * area_of(x) + (size_t)row * x->width + (size_t)column] *
               matrix->weights[channel * (size_t)(of_group * taps) + n];
      }
      y->data[channel * area_of(y) + at] = sum < 0 ? sum * alpha : sum;
    }
}
