// Rings: the line of decoded latents around a block, which its prediction sees.

// What a block sees beyond its sides: the decoded variables of its neighbours, by slot; NULL where there is none.
// Planes of a block have a line more on each side that has one.
typedef struct {
  const Tensor *left, *top, *right, *bottom;
} Ring;
static const Ring no_ring;

static uint32_t lines_down(const Ring *ring) { return (ring->top != NULL) + (uint32_t)(ring->bottom != NULL); }
static uint32_t lines_across(const Ring *ring) { return (ring->left != NULL) + (uint32_t)(ring->right != NULL); }

// Copy a neighbour's values at a place to one of the ring, where the mask has it, for the channels of a pass.
static void show(const Step *step, Tensor *planes, uint32_t to_row, uint32_t to_column, const Tensor *beside,
                 uint32_t from_row, uint32_t from_column, uint32_t row, uint32_t column) {
  if (!step->mask[row % step->rows * step->columns + column % step->columns]) return;
  for (uint32_t channel = step->start; channel < step->stop; channel++)
    planes->data[(channel * (size_t)planes->height + to_row) * planes->width + to_column] =
        beside->data[(channel * (size_t)beside->height + from_row) * beside->width + from_column];
}

// Let graphs see the ring at the positions of a pass. Row and column −1 of a mask are the last of its period.
// Not inlined where passes are coded: it would be compiled to be fast there, and large.
__attribute__((noinline)) static void show_ring(const Step *step, Tensor *planes, const Ring *ring) {
  uint32_t top = ring->top != NULL, left = ring->left != NULL, slot = step->slot;
  uint32_t height = planes->height - lines_down(ring), width = planes->width - lines_across(ring);
  for (uint32_t n = 0; n < height; n++) {
    if (ring->left)
      show(step, planes, n + top, 0, ring->left + slot, n, ring->left[slot].width - 1, n, step->columns - 1);
    if (ring->right) show(step, planes, n + top, left + width, ring->right + slot, n, 0, n, width);
  }
  for (uint32_t n = 0; n < width; n++) {
    if (ring->top) show(step, planes, 0, n + left, ring->top + slot, ring->top[slot].height - 1, n, step->rows - 1, n);
    if (ring->bottom) show(step, planes, top + height, n + left, ring->bottom + slot, 0, n, height, n);
  }
}

// Cut lines off planes on the sides of a ring: so many of each.
static bool cut(Tensor *planes, const Ring *ring, uint32_t down, uint32_t across, Arena *arena) {
  uint32_t top = ring->top ? down : 0, left = ring->left ? across : 0;
  Tensor own = {planes->channels, planes->height - down * lines_down(ring), planes->width - across * lines_across(ring),
                NULL, true};
  TRY(own.data = take_from(arena, own.channels * (uint64_t)area_of(&own), sizeof(float)));
  for (uint32_t channel = 0; channel < own.channels; channel++)
    for (uint32_t row = 0; row < own.height; row++)
      memcpy(own.data + (channel * (size_t)own.height + row) * own.width,
             planes->data + (channel * (size_t)planes->height + row + top) * planes->width + left,
             own.width * sizeof(float));
  give_to(arena, planes->data);
  *planes = own;
  return true;
}

// Keep of what a graph gives for a block of H × W positions a ring of one position.
static bool cut_output(Tensor *output, uint32_t height, uint32_t width, const Ring *ring, Arena *arena) {
  uint32_t down = lines_down(ring), across = lines_across(ring);
  if (output->height < height + down || output->width < width + across) return bad("a graph gives no ring");
  uint32_t tall = output->height - height, wide = output->width - width;
  if (tall % (down + !down) || wide % (across + !across) || (!down && tall) || (!across && wide))
    return bad("a graph gives no ring");
  tall = down ? tall / down - 1 : 0, wide = across ? wide / across - 1 : 0;
  return (!tall && !wide) || cut(output, ring, tall, wide, arena);
}
