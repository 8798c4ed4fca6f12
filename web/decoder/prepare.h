// What is done once for a model: weights are laid out for the convolutions, and arrays are widened.

// The weights of a convolution, four rows side by side, those of a tap together. `transposed`: [depth][rows].
static bool arrange(Model *model, Operation *one, bool transposed, uint32_t groups) {
  if (one->read[1].array < 0 || (one->reads > 2 && one->read[2].array < 0 && one->read[2].value >= 0))
    return bad("weights of a convolution are no arrays");
  const Array *array = model->array + one->read[1].array;
  uint32_t taps = array->dims[2] * array->dims[3], biases = transposed ? array->dims[1] : array->dims[0];
  float *plain = widen(array, &model->arena), *bias = NULL;
  TRY(plain);
  if (one->reads > 2 && one->read[2].array >= 0) {
    const Array *found = model->array + one->read[2].array;
    if (found->count != biases) return bad("a bias has an impossible shape");
    TRY(bias = widen(found, &model->arena));
  }
  Matrix *matrix = &one->matrix;
  uint32_t inner = transposed ? array->dims[0] : array->dims[1] * taps, rows = array->count / inner;
  uint32_t room = (rows + 3) / 4 * 4;
  *matrix = (Matrix){rows, inner, NULL, NULL};
  TRY(matrix->bias = take_zeros(&model->arena, room, sizeof(float)));
  for (uint32_t row = 0; bias && !transposed && row < rows; row++) matrix->bias[row] = bias[row];
  if (groups > 1) {
    matrix->weights = plain;
    return true;
  }
  TRY(matrix->weights = take_zeros(&model->arena, (uint64_t)room * inner, sizeof(float)));
  for (uint32_t row = 0; row < rows; row++)
    for (uint32_t k = 0; k < inner; k++) {
      size_t channel = k % array->dims[1], tap = k / array->dims[1];
      size_t from = transposed ? (size_t)k * rows + row : (size_t)row * inner + channel * taps + tap;
      matrix->weights[((size_t)(row / 4) * inner + k) * 4 + row % 4] = plain[from];
    }
  give_to(&model->arena, plain);
  if (transposed) {  // its outputs begin with the bias instead
    give_to(&model->arena, matrix->bias);
    TRY(matrix->bias = take_zeros(&model->arena, room + biases, sizeof(float)));
    for (uint32_t n = 0; bias && n < biases; n++) matrix->bias[room + n] = bias[n];
  }
  return true;
}

// Prepare what a network reads, and let a convolution do the LeakyRelu that alone reads it.
static bool prepare(Model *model, Graph *graph) {
  for (uint32_t n = 0; n < graph->operations; n++) {
    Operation *one = graph->operation + n;
    if (one->kind == CONV || one->kind == CONV_TRANSPOSE) {
      uint32_t groups = one->kind == CONV ? one->attribute[0] : 1;
      TRY(arrange(model, one, one->kind == CONV_TRANSPOSE, groups));
      Operation *next = n + 1 < graph->operations ? one + 1 : NULL;
      if (one->kind == CONV && next && next->kind == LEAKY_RELU && next->read->value == (int32_t)one->first_write &&
          graph->last_read[one->first_write] == n + 1) {
        one->alpha = next->alpha, one->first_write = next->first_write;
        next->kind = NOTHING;
      }
    }
    bool convolves = one->kind == CONV || one->kind == CONV_TRANSPOSE;
    for (uint32_t m = 0; m < one->reads; m++) {
      if (one->read[m].array < 0 || (convolves && m)) continue;
      Array *array = model->array + one->read[m].array;
      if (array->dims[0] != 1) return bad("an operation reads an array of several pictures");
      if (!array->values) TRY(array->values = widen(array, &model->arena));
    }
  }
  return true;
}
