/** Slots of one piece of shared memory. */
const SLOTS = 256
/** Version and length, then the text. An acknowledgement subject has 270 letters at most. */
const HEAD_BYTES = 8
const TEXT_BYTES = 376
const SLOT_BYTES = HEAD_BYTES + TEXT_BYTES
const INTS_PER_SLOT = SLOT_BYTES / 4

interface Segment {
  readonly numbers: Int32Array
  readonly bytes: Buffer
}

const segmentOf = (memory: SharedArrayBuffer): Segment => ({ numbers: new Int32Array(memory), bytes: Buffer.from(memory) })

/**
 * Acknowledgement subjects in memory that the liveness thread reads: to keep a task alive costs a copy of its subject and no message, so that
 * it is done for every task before its handler gets the chance to block.
 */
export class AckSlots {
  readonly #onSegment: (memory: SharedArrayBuffer) => void
  readonly #segments: Segment[] = []
  readonly #free: number[] = []

  /** @param onSegment passes new memory to the thread */
  constructor(onSegment: (memory: SharedArrayBuffer) => void) {
    this.#onSegment = onSegment
  }

  /** @returns the slot that holds the subject from now on */
  take(subject: string): number {
    if (this.#free.length === 0) this.#grow()
    const slot = this.#free.pop() as number
    this.put(slot, subject)
    return slot
  }

  /** Replace what a slot holds. */
  put(slot: number, subject: string): void {
    const { numbers, bytes } = this.#segments[Math.floor(slot / SLOTS)] as Segment
    const at = (slot % SLOTS) * INTS_PER_SLOT
    Atomics.store(numbers, at + 1, 0)
    Atomics.add(numbers, at, 1)
    if (subject.length > TEXT_BYTES) return
    bytes.write(subject, at * 4 + HEAD_BYTES, 'latin1')
    Atomics.store(numbers, at + 1, subject.length)
  }

  release(slot: number): void {
    const { numbers } = this.#segments[Math.floor(slot / SLOTS)] as Segment
    Atomics.store(numbers, (slot % SLOTS) * INTS_PER_SLOT + 1, 0)
    this.#free.push(slot)
  }

  #grow(): void {
    const memory = new SharedArrayBuffer(SLOTS * SLOT_BYTES)
    const first = this.#segments.length * SLOTS
    this.#segments.push(segmentOf(memory))
    for (let slot = first + SLOTS - 1; slot >= first; slot--) this.#free.push(slot)
    this.#onSegment(memory)
  }
}

/** Rounds after which a subject is old enough, and then every how many rounds it is due. */
const FIRST_AFTER = 2
const THEN_EVERY = 3

/** The thread's side: finds the subjects that have been held for some rounds. Needs no clock that both threads share. */
export class AckReader {
  readonly #segments: { readonly segment: Segment; readonly seen: Int32Array; readonly rounds: Int32Array }[] = []

  add(memory: SharedArrayBuffer): void {
    const counters = () => new Int32Array(SLOTS)
    this.#segments.push({ segment: segmentOf(memory), seen: counters(), rounds: counters() })
  }

  /** To be called in even rounds, such as once a second. @returns subjects that have to be reported as in progress */
  due(): string[] {
    const due: string[] = []
    for (const { segment, seen, rounds } of this.#segments) {
      for (let slot = 0; slot < SLOTS; slot++) {
        const at = slot * INTS_PER_SLOT
        const version = Atomics.load(segment.numbers, at)
        const length = Atomics.load(segment.numbers, at + 1)
        const isSame = length > 0 && seen[slot] === version
        const round = isSame ? (rounds[slot] ?? 0) + 1 : 0
        seen[slot] = version
        rounds[slot] = round
        if (round < FIRST_AFTER || (round - FIRST_AFTER) % THEN_EVERY !== 0) continue
        const from = at * 4 + HEAD_BYTES
        const text = segment.bytes.toString('latin1', from, from + length)
        // The main thread may have written it in between: then it is another subject, and young.
        if (Atomics.load(segment.numbers, at) === version && Atomics.load(segment.numbers, at + 1) === length) due.push(text)
      }
    }
    return due
  }
}
