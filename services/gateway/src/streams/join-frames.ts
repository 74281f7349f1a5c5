let lastFrames: readonly Buffer[] = []
let lastJoined = Buffer.alloc(0)

/** Frames as one buffer, which is the same for readers that get the same frames one after the other, as readers of a topic do. */
export function joinFrames(frames: readonly Buffer[]): Buffer {
  const [first] = frames
  if (first !== undefined && frames.length === 1) return first
  const isSame = frames.length === lastFrames.length && frames.every((frame, i) => frame === lastFrames[i])
  if (!isSame) {
    lastFrames = frames
    lastJoined = Buffer.concat(frames)
  }
  return lastJoined
}
