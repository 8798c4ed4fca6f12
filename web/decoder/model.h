// The decoder half of a model, as src/trellic/web/pack.py writes it: what is coded in which order, networks, tables.
// Nothing of it is believed: every number is checked here, every shape when a network runs.

#define MOST_SLOTS 256
#define MOST_STEPS 1024
#define MOST_OPERATIONS 4096
#define MOST_VALUES 65536u
#define LONGEST_PERIOD 8
#define MOST_SETS 64
#define QUALITY 0  // the slot of the quality
#define WEIGHTS 3  // by which scales are corrected: of a position, of its neighbours, of its channel
#define LARGEST_WEIGHT 1024

// How an array is kept: float32, float16, or integers of eight bits and the step of each row in float16.
enum { SINGLE, HALF, EIGHT_BITS };

typedef struct {
  uint32_t dims[4];
  uint32_t count, kind;
  const uint8_t *planes;
  float *values;  // once they are needed
} Array;

enum {
  NOTHING,
  ABS,
  ADD,
  CAST,
  CLIP,
  CONCAT,
  CONV,
  CONV_TRANSPOSE,
  DEPTH_TO_SPACE,
  DIV,
  EXP,
  LEAKY_RELU,
  LOG,
  MAX,
  MIN,
  MUL,
  NEG,
  PAD,
  RELU,
  ROUND,
  SIGN,
  SPLIT,
  SQRT,
  SUB,
  KINDS
};
#define MOST_ATTRIBUTES 9
static const uint8_t attribute_counts[KINDS] = {
    [CAST] = 1, [CONV] = 9, [CONV_TRANSPOSE] = 8, [DEPTH_TO_SPACE] = 2, [PAD] = 5};

// Rows of weights in fours: [rows / 4][depth][4], zeros after the last row.
typedef struct {
  uint32_t rows, depth;
  float *weights, *bias;
} Matrix;

// What an operation reads: a value of the graph, an array, or nothing.
typedef struct {
  int32_t value, array;  // -1 where it is not that
} Ref;

typedef struct {
  uint32_t kind, reads, writes, first_write;
  Ref *read;
  uint32_t attribute[MOST_ATTRIBUTES];
  float alpha;  // of a LeakyRelu, or of the one that follows a convolution; 1 where there is none
  Matrix matrix;
} Operation;

typedef struct {
  uint32_t inputs, values, operations, outputs;
  Operation *operation;
  Ref *output;
  uint32_t *last_read;  // of each value: the operation after which it is not needed
} Graph;

typedef struct {
  uint32_t slot, start, stop;  // channels; stop is 0 for all
} Read;

typedef struct {
  bool codes;
  uint32_t graph, reads, writes, read_at, write_at;  // of a run; places in the model's lists
  uint32_t slot, start, stop, rows, columns;         // of a pass
  uint8_t mask[LONGEST_PERIOD * LONGEST_PERIOD];
  uint32_t mean;                    // a slot; QUALITY where means are zero
  uint32_t log_scale, scale_array;  // a slot, or QUALITY: then an array
  uint32_t tables;                  // of a pass that is plainly rounded; NONE where the quantizer is the stream's
  uint32_t corrects;                // whether its scales are corrected, by these:
  int32_t weight[WEIGHTS];
} Step;

// Numbers of 16 bits: all their lower bytes, then all the upper ones.
typedef struct {
  uint32_t count;
  const uint8_t *planes;
} Frequencies;

typedef struct {
  uint32_t number, tables, offsets, points;  // offsets: NONE where there are none
  uint32_t quality[64], step[64];
} Quantizer;

typedef struct {
  Arena arena;
  uint8_t *bytes;
  uint8_t sha256[32];
  bool adapted;  // by the adapter of that name
  uint32_t adapter, margin, slots, variables, y, pixels, arrays, graphs, code_steps, steps, sets, offset_sets,
      quantizers, read_count, write_count;
  uint32_t channels[MOST_SLOTS], stride[MOST_SLOTS], largest_stride;  // of variables, by slot from 1 on
  Array *array;
  Graph *graph;
  Step *step;  // those of coding, then those from the decoded variables to the picture
  Read *read;
  uint32_t *write;
  Frequencies *frequencies, *offset;
  Quantizer *quantizer;
} Model;

static bool bad(const char *reason) { return fail(DAMAGED_MODEL, reason); }

static bool read_arrays(Reader *reader, Model *model) {
  TRY(read_within(reader, 0, 1 << 14, &model->arrays));
  TRY(model->array = take_zeros(&model->arena, model->arrays, sizeof(Array)));
  for (Array *array = model->array; array < model->array + model->arrays; array++) {
    uint64_t count = 1;
    TRY(read_within(reader, SINGLE, EIGHT_BITS, &array->kind));
    for (int axis = 0; axis < 4; axis++) {
      TRY(read_within(reader, 1, MOST_VALUES, array->dims + axis));
      count *= array->dims[axis];
      if (count > 1u << 28) return bad("an array is too large");
    }
    array->count = (uint32_t)count;
  }
  return true;
}

// The single-precision number that 32 bits are.
static float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

// Value n of half precision, of count in planes.
static float half_at(const uint8_t *planes, uint32_t count, uint32_t n) {
  uint32_t bits = planes[n] | (uint32_t)planes[count + n] << 8;
  uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023;
  float value = exponent ? float_of((exponent + 112) << 23 | fraction << 13) : (float)fraction * 0x1p-24f;
  return bits >> 15 ? -value : value;
}

static float single_at(const uint8_t *planes, size_t count, uint32_t n) {
  return float_of(planes[n] | (uint32_t)planes[count + n] << 8 | (uint32_t)planes[2 * count + n] << 16 |
                  (uint32_t)planes[3 * count + n] << 24);
}

// The values of an array, in single precision.
static float *widen(const Array *array, Arena *arena) {
  float *values = take_from(arena, array->count, sizeof(float));
  if (!values) return NULL;
  uint32_t count = array->count, rows = array->dims[0];
  for (uint32_t n = 0; n < count; n++)
    switch (array->kind) {
      case SINGLE: values[n] = single_at(array->planes, count, n); break;
      case HALF: values[n] = half_at(array->planes, count, n); break;
      default: values[n] = (float)(int8_t)array->planes[n] * half_at(array->planes + count, rows, n / (count / rows));
    }
  return values;
}

static bool read_ref(Reader *reader, const Model *model, uint32_t values, Ref *ref) {
  uint32_t coded;
  TRY(read_within(reader, 0, 2 * MOST_VALUES, &coded));
  *ref = (Ref){-1, -1};
  if (coded % 2) ref->array = (int32_t)(coded / 2);
  else if (coded) ref->value = (int32_t)(coded / 2 - 1);
  bool there = ref->array < (int32_t)model->arrays && ref->value < (int32_t)values;
  return there || bad("an operation reads what is not there");
}

static bool read_operation(Reader *reader, Model *model, Graph *graph, Operation *one) {
  TRY(read_within(reader, 1, KINDS - 1, &one->kind) && read_within(reader, 1, 64, &one->reads));
  TRY(one->read = take_from(&model->arena, one->reads, sizeof(Ref)));
  for (uint32_t n = 0; n < one->reads; n++) TRY(read_ref(reader, model, graph->values, one->read + n));
  TRY(read_within(reader, 1, one->kind == SPLIT ? 64 : 1, &one->writes));
  one->first_write = graph->values;
  graph->values += one->writes;
  for (int n = 0; n < attribute_counts[one->kind]; n++) TRY(read_within(reader, 0, 4096, one->attribute + n));
  one->alpha = 1;
  if (one->kind == LEAKY_RELU) {
    uint32_t bits;
    TRY(read_integer(reader, 4, &bits));
    memcpy(&one->alpha, &bits, 4);
  }
  bool binary = one->kind == ADD || one->kind == SUB || one->kind == MUL || one->kind == DIV || one->kind == MAX ||
                one->kind == MIN || one->kind == CONV || one->kind == CONV_TRANSPOSE;
  uint32_t least = one->kind == CLIP ? 3 : binary ? 2 : 1;
  if (one->reads < least) return bad("an operation reads too little");
  return true;
}

static bool read_graph(Reader *reader, Model *model, Graph *graph) {
  TRY(read_within(reader, 1, 64, &graph->inputs) && read_within(reader, 1, MOST_OPERATIONS, &graph->operations));
  TRY(graph->operation = take_zeros(&model->arena, graph->operations, sizeof(Operation)));
  graph->values = graph->inputs;
  for (uint32_t n = 0; n < graph->operations; n++) TRY(read_operation(reader, model, graph, graph->operation + n));
  TRY(read_within(reader, 1, 64, &graph->outputs));
  TRY(graph->output = take_from(&model->arena, graph->outputs, sizeof(Ref)));
  TRY(graph->last_read = take_zeros(&model->arena, graph->values, sizeof(uint32_t)));
  for (uint32_t n = 0; n < graph->operations; n++)
    for (uint32_t m = 0; m < graph->operation[n].reads; m++)
      if (graph->operation[n].read[m].value >= 0) graph->last_read[graph->operation[n].read[m].value] = n;
  for (uint32_t n = 0; n < graph->outputs; n++) {
    TRY(read_ref(reader, model, graph->values, graph->output + n));
    if (graph->output[n].value < 0) return bad("an output is no value");
    graph->last_read[graph->output[n].value] = graph->operations;
  }
  return true;
}

static bool read_slot(Reader *reader, const Model *model, uint32_t *slot) {
  return read_within(reader, 0, model->slots - 1, slot);
}

static bool read_run(Reader *reader, Model *model, Step *step) {
  if (!model->graphs) return bad("no graph");
  TRY(read_within(reader, 0, model->graphs - 1, &step->graph));
  const Graph *graph = model->graph + step->graph;
  step->reads = graph->inputs, step->writes = graph->outputs;
  step->read_at = model->read_count, step->write_at = model->write_count;
  for (uint32_t n = 0; n < step->reads; n++) {
    Read *read = model->read + model->read_count++;
    TRY(read_slot(reader, model, &read->slot) && read_within(reader, 0, 4096, &read->start));
    TRY(read_within(reader, 0, 4096, &read->stop));
    if (read->stop ? read->start >= read->stop : read->start > 0) return bad("a graph reads no channels");
  }
  for (uint32_t n = 0; n < step->writes; n++) {
    uint32_t *slot = model->write + model->write_count++;
    TRY(read_slot(reader, model, slot));
    if (*slot <= model->variables) return bad("a graph writes what is coded");
  }
  return true;
}

static bool read_pass(Reader *reader, const Model *model, Step *step) {
  TRY(read_within(reader, 1, model->variables, &step->slot));
  TRY(read_within(reader, 0, 4096, &step->start) && read_within(reader, 1, model->channels[step->slot], &step->stop));
  if (step->start >= step->stop) return bad("a pass has no channels");
  TRY(read_within(reader, 1, LONGEST_PERIOD, &step->rows) && read_within(reader, 1, LONGEST_PERIOD, &step->columns));
  for (uint32_t n = 0; n < step->rows * step->columns; n++) {
    uint32_t bit;
    TRY(read_within(reader, 0, 1, &bit));
    step->mask[n] = (uint8_t)bit;
  }
  TRY(read_slot(reader, model, &step->mean) && read_slot(reader, model, &step->log_scale));
  if (step->log_scale == QUALITY) {
    if (!model->arrays) return bad("a pass has no scales");
    TRY(read_within(reader, 0, model->arrays - 1, &step->scale_array));
    const Array *array = model->array + step->scale_array;
    if (array->kind != SINGLE || array->dims[2] != 2 || array->dims[3] != model->channels[step->slot])
      return bad("an array of scales has an impossible shape");
    if (array->count != 2 * array->dims[3]) return bad("an array of scales has an impossible shape");
  }
  TRY(read_within(reader, 0, MOST_SETS, &step->tables));
  step->tables--;  // 0 becomes NONE
  TRY(read_within(reader, 0, step->tables == NONE, &step->corrects));
  for (uint32_t n = 0; n < WEIGHTS * step->corrects; n++) {
    uint32_t raised;
    TRY(read_within(reader, 0, 2 * LARGEST_WEIGHT, &raised));
    step->weight[n] = (int32_t)raised - LARGEST_WEIGHT;
  }
  return true;
}

static bool read_steps(Reader *reader, Model *model) {
  TRY(read_within(reader, 1, MOST_STEPS, &model->code_steps) && read_within(reader, 1, MOST_STEPS, &model->steps));
  if (model->code_steps >= model->steps) return bad("no step gives a picture");
  TRY(model->step = take_zeros(&model->arena, model->steps, sizeof(Step)));
  TRY(model->read = take_zeros(&model->arena, 64 * (uint64_t)model->steps, sizeof(Read)));
  TRY(model->write = take_zeros(&model->arena, 64 * (uint64_t)model->steps, sizeof(uint32_t)));
  for (uint32_t n = 0; n < model->steps; n++) {
    uint32_t codes;
    TRY(read_within(reader, 0, n < model->code_steps, &codes));
    model->step[n].codes = codes;
    TRY(codes ? read_pass(reader, model, model->step + n) : read_run(reader, model, model->step + n));
  }
  return true;
}

static bool read_counts(Reader *reader, Model *model, uint32_t *count, Frequencies **sets) {
  TRY(read_within(reader, 0, MOST_SETS, count));
  TRY(*sets = take_zeros(&model->arena, *count, sizeof(Frequencies)));
  for (uint32_t n = 0; n < *count; n++) TRY(read_within(reader, 1, 1 << 20, &(*sets)[n].count));
  return true;
}

static bool read_quantizers(Reader *reader, Model *model) {
  TRY(read_counts(reader, model, &model->sets, &model->frequencies));
  TRY(read_counts(reader, model, &model->offset_sets, &model->offset));
  TRY(read_within(reader, 0, 16, &model->quantizers));
  if (!model->sets) return bad("no tables");
  for (uint32_t n = 0; n < model->code_steps; n++)
    if (model->step[n].codes && model->step[n].tables != NONE && model->step[n].tables >= model->sets)
      return bad("a pass has no tables");
  TRY(model->quantizer = take_zeros(&model->arena, model->quantizers, sizeof(Quantizer)));
  for (Quantizer *one = model->quantizer; one < model->quantizer + model->quantizers; one++) {
    TRY(read_within(reader, 0, 15, &one->number) && read_within(reader, 0, model->sets - 1, &one->tables));
    TRY(read_within(reader, 0, model->offset_sets, &one->offsets) && read_within(reader, 1, 64, &one->points));
    one->offsets--;  // 0 becomes NONE
    for (uint32_t n = 0; n < one->points; n++) {
      TRY(read_within(reader, 0, HIGHEST_QUALITY, one->quality + n) && read_within(reader, 1, 65535, one->step + n));
      if (n && one->quality[n] < one->quality[n - 1]) return bad("operating points do not rise");
    }
  }
  return true;
}

static bool place(Reader *reader, const uint8_t **planes, uint64_t bytes) {
  *planes = reader->data + reader->at;
  return skip(reader, bytes);
}

// Parse a decoder half, which the model keeps, whatever comes of it.
static bool parse_model(Model *model, const uint8_t *data, size_t size) {
  Reader reader = {data, size, 0, DAMAGED_MODEL, DAMAGED_MODEL};
  TRY(skip(&reader, 36));
  if (memcmp(data, "TLH\2", 4)) return bad("no decoder half of a model");
  memcpy(model->sha256, data + 4, 32);
  uint32_t adapted;
  TRY(read_within(&reader, 0, 1, &adapted));
  model->adapted = adapted;
  if (adapted) TRY(read_integer(&reader, 4, &model->adapter));
  TRY(read_within(&reader, 0, 256, &model->margin) && read_within(&reader, 2, MOST_SLOTS, &model->slots));
  TRY(read_within(&reader, 1, model->slots - 1, &model->variables));
  for (uint32_t slot = 1; slot <= model->variables; slot++) {
    TRY(read_within(&reader, 1, 4096, model->channels + slot) && read_within(&reader, 1, 256, model->stride + slot));
    if (STRIDE % model->stride[slot]) return bad("a variable has an impossible stride");
  }
  TRY(read_within(&reader, 1, model->variables, &model->y) && read_slot(&reader, model, &model->pixels));
  if (model->margin % model->stride[model->y]) return bad("impossible margin");
  TRY(read_arrays(&reader, model) && read_within(&reader, 0, 256, &model->graphs));
  TRY(model->graph = take_zeros(&model->arena, model->graphs, sizeof(Graph)));
  for (uint32_t n = 0; n < model->graphs; n++) TRY(read_graph(&reader, model, model->graph + n));
  TRY(read_steps(&reader, model) && read_quantizers(&reader, model));
  for (uint32_t n = 0; n < model->sets; n++)
    TRY(place(&reader, &model->frequencies[n].planes, 2 * (uint64_t)model->frequencies[n].count));
  for (uint32_t n = 0; n < model->offset_sets; n++)
    TRY(place(&reader, &model->offset[n].planes, 2 * (uint64_t)model->offset[n].count));
  for (Array *array = model->array; array < model->array + model->arrays; array++) {
    uint64_t sizes[] = {4 * (uint64_t)array->count, 2 * (uint64_t)array->count, array->count + 2 * (uint64_t)array->dims[0]};
    TRY(place(&reader, &array->planes, sizes[array->kind]));
  }
  if (reader.at != size) return bad("bytes after the model's end");
  return true;
}
