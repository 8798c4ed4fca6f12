// Run a network: each operation on what it reads, whose memory is given back when nothing reads it any more.

static bool fits(const Tensor *x, uint32_t channels, uint32_t height, uint32_t width) {
  return (x->channels == channels || x->channels == 1) &&
         ((x->height == height && x->width == width) || area_of(x) == 1);
}

static bool run_both(Running *running, const Operation *one, Tensor a, Tensor b, bool a_dies, bool b_dies,
                     Tensor *out) {
  uint32_t channels = larger(a.channels, b.channels), height = larger(a.height, b.height),
           width = larger(a.width, b.width);
  if (!fits(&a, channels, height, width) || !fits(&b, channels, height, width))
    return bad("tensors do not fit together");
  uint64_t count = (uint64_t)channels * height * width;
  *out = (Tensor){channels, height, width, NULL, true};
  if (a_dies && a.channels * area_of(&a) == count) out->data = a.data;
  else if (b_dies && b.channels * area_of(&b) == count) out->data = b.data;
  else TRY(make(running, out, channels, height, width));
  apply_both(one->kind, &a, &b, out);
  return true;
}

// Read a bound of a Clip: a number among the arrays, or nothing.
static bool bound(const Model *model, Ref ref, float *value) {
  if (ref.value >= 0 || (ref.array >= 0 && model->array[ref.array].count != 1)) return bad("a bound is no number");
  if (ref.array >= 0) *value = *model->array[ref.array].values;
  return true;
}

static bool run_each(Running *running, const Model *model, const Operation *one, Tensor x, bool dies, Tensor *out) {
  float low = -INFINITY, high = INFINITY;
  if (one->kind == CLIP) TRY(bound(model, one->read[1], &low) && bound(model, one->read[2], &high));
  if (one->kind == CAST && one->attribute[0] != 1 && one->attribute[0] != 2) return bad("a cast that is not known");
  *out = (Tensor){x.channels, x.height, x.width, x.data, true};
  if (!dies) TRY(make(running, out, x.channels, x.height, x.width));
  size_t count = x.channels * area_of(&x);
  if (one->kind != CAST) apply_each(one, x.data, out->data, count, low, high);  // samples stay floats to the end
  else if (!dies) memcpy(out->data, x.data, count * sizeof(float));
  return true;
}

static bool run_operation(Running *running, const Model *model, const Graph *graph, uint32_t number) {
  const Operation *one = graph->operation + number;
  if (one->kind == NOTHING) return true;
  Tensor read[2] = {{0}, {0}}, *write = running->values + one->first_write;
  bool dies[2] = {false, false};
  for (uint32_t n = 0; n < one->reads; n++) {
    Ref ref = one->read[n];
    bool optional =
        (one->kind == CLIP && n) || (one->kind == CONV && n == 2) || (one->kind == CONV_TRANSPOSE && n == 2);
    if (ref.value < 0 && ref.array < 0 && !optional) return bad("an operation reads nothing");
    if (ref.value >= 0 && !running->values[ref.value].data) return bad("an operation reads what is not there yet");
    if (n > 1 || (ref.value < 0 && ref.array < 0)) continue;
    read[n] = operand(running, model, ref);
    dies[n] = ref.value >= 0 && read[n].owned && graph->last_read[ref.value] == number;
  }
  switch (one->kind) {
    case ADD:
    case SUB:
    case MUL:
    case DIV:
    case MAX:
    case MIN: TRY(run_both(running, one, read[0], read[1], dies[0], dies[1], write)); break;
    case CONV: TRY(run_convolution(running, model, one, read, write)); break;
    case CONV_TRANSPOSE: TRY(run_transposed(running, model, one, read, write)); break;
    case DEPTH_TO_SPACE: TRY(run_depth_to_space(running, one, read, write)); break;
    case PAD: TRY(run_pad(running, one, read, write)); break;
    case CONCAT: TRY(run_concat(running, model, one, write)); break;
    case SPLIT: TRY(run_split(running, one, read, write)); break;
    default: TRY(run_each(running, model, one, read[0], dies[0], write));
  }
  for (uint32_t n = 0; n < one->reads; n++) {
    if (one->read[n].value < 0 || graph->last_read[one->read[n].value] != number) continue;
    Tensor *value = running->values + one->read[n].value;
    if (value->owned && value->data && value->data != write->data) give_to(running->arena, value->data);
    *value = (Tensor){0};
  }
  return true;
}

// Run a network. `values` holds its inputs, which stay the caller's; outputs are the caller's to give back.
static bool run_graph(const Model *model, const Graph *graph, Tensor *inputs, Tensor *outputs, uint64_t *work,
                      Arena *arena) {
  Running running = {arena, take_zeros(arena, graph->values, sizeof(Tensor)), *work};
  TRY(running.values);
  memcpy(running.values, inputs, graph->inputs * sizeof(Tensor));
  for (uint32_t n = 0; n < graph->operations; n++) TRY(run_operation(&running, model, graph, n));
  for (uint32_t n = 0; n < graph->outputs; n++) {
    Tensor *value = running.values + graph->output[n].value;
    if (!value->data) return bad("an output is not there");
    outputs[n] = *value;
    if (!value->owned) {  // an input, or an output that is named twice
      TRY(make(&running, outputs + n, value->channels, value->height, value->width));
      memcpy(outputs[n].data, value->data, value->channels * area_of(value) * sizeof(float));
    }
    value->owned = false;
  }
  for (uint32_t n = 0; n < graph->values; n++)
    if (running.values[n].owned) give_to(arena, running.values[n].data);
  give_to(arena, running.values);
  *work = running.work;
  return true;
}
