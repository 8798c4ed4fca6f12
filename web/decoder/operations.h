// The operations of a network on tensors, [channels][height][width]; their meaning is ONNX's, operator set 18.

#define MOST_WORK ((uint64_t)1 << 18)  // multiplications for a pixel

typedef struct {
  Arena *arena;
  Tensor *values;
  uint64_t work;  // multiplications that are left
} Running;

static bool make(Running *running, Tensor *tensor, uint64_t channels, uint64_t height, uint64_t width) {
  if (channels < 1 || channels > MOST_VALUES || height < 1 || width < 1 || height > LARGEST_SIDE ||
      width > LARGEST_SIDE)
    return bad("a network makes an impossible tensor");
  *tensor = (Tensor){(uint32_t)channels, (uint32_t)height, (uint32_t)width, NULL, true};
  if (channels * height > MOST_MEMORY) return bad("a network makes an impossible tensor");
  return (tensor->data = take_from(running->arena, channels * height * width, sizeof(float)));
}

static Tensor operand(const Running *running, const Model *model, Ref ref) {
  if (ref.value >= 0) return running->values[ref.value];
  const Array *array = model->array + ref.array;
  return (Tensor){array->dims[1], array->dims[2], array->dims[3], array->values, false};
}

static bool run_convolution(Running *running, const Model *model, const Operation *one, Tensor *x, Tensor *y) {
  const Array *weights = model->array + one->read[1].array;
  const uint32_t *of = one->attribute;
  uint32_t groups = of[0];
  Window window = {weights->dims[2], weights->dims[3], of[1], of[2], of[5], of[6], of[7], of[8]};
  uint64_t rows = x->height + (uint64_t)of[1] + of[3], columns = x->width + (uint64_t)of[2] + of[4];
  uint64_t reach_down = (uint64_t)of[7] * (window.rows - 1) + 1,
           reach_across = (uint64_t)of[8] * (window.columns - 1) + 1;
  if (!of[5] || !of[6] || !of[7] || !of[8] || rows < reach_down || columns < reach_across || !groups)
    return bad("a convolution does not fit");
  if (x->channels != (uint64_t)groups * weights->dims[1] || weights->dims[0] % groups)
    return bad("a convolution does not fit");
  TRY(make(running, y, weights->dims[0], (rows - reach_down) / of[5] + 1, (columns - reach_across) / of[6] + 1));
  uint64_t work = (uint64_t)weights->count * area_of(y);
  if (work > running->work) return bad("a network takes too long");
  running->work -= work;
  bool narrow = window.rows == 3 && window.columns == 3 && of[5] * of[6] * of[7] * of[8] == 1;
  bool planes = narrow && weights->dims[1] == 1 && weights->dims[0] == groups && y->height == x->height &&
                y->width == x->width && of[1] == 1 && of[2] == 1;
  if (groups > 1 && !planes) {
    convolve_groups(&one->matrix, &window, groups, one->alpha, x, y);
    return true;
  }
  uint64_t room = planes ? (x->height + 2ull) * (x->width + 2ull) : PANEL * (uint64_t)one->matrix.depth;
  float *panel = take_from(running->arena, room, sizeof(float));
  TRY(panel);
  if (groups > 1) convolve_planes(&one->matrix, one->alpha, x, y, panel);
  else convolve(&one->matrix, &window, one->alpha, x, y, panel);
  give_to(running->arena, panel);
  return true;
}

static bool run_transposed(Running *running, const Model *model, const Operation *one, Tensor *x, Tensor *y) {
  const Array *weights = model->array + one->read[1].array;
  const uint32_t *of = one->attribute;
  Window window = {weights->dims[2], weights->dims[3], of[0], of[1], of[4], of[5], 1, 1};
  uint64_t height = (uint64_t)(x->height - 1) * of[4] + window.rows + of[6];
  uint64_t width = (uint64_t)(x->width - 1) * of[5] + window.columns + of[7];
  if (!of[4] || !of[5] || height <= (uint64_t)of[0] + of[2] || width <= (uint64_t)of[1] + of[3] ||
      x->channels != weights->dims[0])
    return bad("a convolution does not fit");
  TRY(make(running, y, weights->dims[1], height - of[0] - of[2], width - of[1] - of[3]));
  uint64_t work = (uint64_t)weights->count * area_of(x);
  if (work > running->work) return bad("a network takes too long");
  running->work -= work;
  uint32_t room = (one->matrix.rows + 3) / 4 * 4;
  for (uint32_t channel = 0; channel < y->channels; channel++)
    for (size_t n = 0; n < area_of(y); n++) y->data[channel * area_of(y) + n] = one->matrix.bias[room + channel];
  float *panel = take_from(running->arena, PANEL * ((uint64_t)one->matrix.depth + room), sizeof(float));
  TRY(panel);
  convolve_transposed(&one->matrix, &window, x, y, panel, panel + PANEL * (size_t)one->matrix.depth);
  give_to(running->arena, panel);
  return true;
}

static bool run_depth_to_space(Running *running, const Operation *one, const Tensor *x, Tensor *y) {
  uint32_t block = one->attribute[0], squared = block * block;
  if (!block || block > 64 || x->channels % squared) return bad("channels are no blocks");
  TRY(make(running, y, x->channels / squared, (uint64_t)x->height * block, (uint64_t)x->width * block));
  for (uint32_t n = 0; n < x->channels; n++) {
    uint32_t channel = one->attribute[1] ? n / squared : n % y->channels;
    uint32_t at = one->attribute[1] ? n % squared : n / y->channels;
    const float *from = x->data + n * area_of(x);
    float *to = y->data + channel * area_of(y) + at / block * (size_t)y->width + at % block;
    for (uint32_t row = 0; row < x->height; row++, from += x->width, to += (size_t)block * y->width)
      for (uint32_t column = 0; column < x->width; column++) to[(size_t)column * block] = from[column];
  }
  return true;
}

enum { CONSTANT, EDGE, REFLECT };

static int64_t padded_from(int64_t at, uint32_t size, uint32_t mode) {
  if (at >= 0 && at < size) return at;
  if (mode == CONSTANT) return -1;
  if (mode == EDGE) return at < 0 ? 0 : size - 1;
  return at < 0 ? -at : 2 * ((int64_t)size - 1) - at;
}

static bool run_pad(Running *running, const Operation *one, const Tensor *x, Tensor *y) {
  const uint32_t *of = one->attribute, *pads = of + 1;  // mode; top, left, bottom, right
  bool beyond = larger(pads[0], pads[2]) >= x->height || larger(pads[1], pads[3]) >= x->width;
  if (of[0] > REFLECT || (of[0] == REFLECT && beyond)) return bad("a padding does not fit");
  TRY(make(running, y, x->channels, (uint64_t)x->height + pads[0] + pads[2], (uint64_t)x->width + pads[1] + pads[3]));
  for (uint32_t channel = 0; channel < x->channels; channel++)
    for (uint32_t row = 0; row < y->height; row++) {
      int64_t from_row = padded_from((int64_t)row - pads[0], x->height, of[0]);
      float *to = y->data + (channel * (size_t)y->height + row) * y->width;
      const float *from = x->data + channel * area_of(x) + (from_row < 0 ? 0 : (size_t)from_row * x->width);
      for (uint32_t column = 0; column < y->width; column++) {
        int64_t at = padded_from((int64_t)column - pads[1], x->width, of[0]);
        to[column] = from_row < 0 || at < 0 ? 0 : from[at];
      }
    }
  return true;
}

static bool run_concat(Running *running, const Model *model, const Operation *one, Tensor *y) {
  uint64_t channels = 0;
  Tensor first = operand(running, model, one->read[0]);
  for (uint32_t n = 0; n < one->reads; n++) {
    Tensor x = operand(running, model, one->read[n]);
    if (x.height != first.height || x.width != first.width) return bad("tensors do not fit together");
    channels += x.channels;
  }
  TRY(make(running, y, channels, first.height, first.width));
  float *to = y->data;
  for (uint32_t n = 0; n < one->reads; n++) {
    Tensor x = operand(running, model, one->read[n]);
    memcpy(to, x.data, x.channels * area_of(&x) * sizeof(float));
    to += x.channels * area_of(&x);
  }
  return true;
}

static bool run_split(Running *running, const Operation *one, const Tensor *x, Tensor *y) {
  uint32_t part = parts(x->channels, one->writes);
  for (uint32_t n = 0; n < one->writes; n++) {
    if (n * part >= x->channels) return bad("a split gives nothing");
    TRY(make(running, y + n, smaller(part, x->channels - n * part), x->height, x->width));
    memcpy(y[n].data, x->data + n * part * area_of(x), y[n].channels * area_of(x) * sizeof(float));
  }
  return true;
}
