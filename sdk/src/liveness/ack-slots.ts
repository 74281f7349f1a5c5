/** Slots of one piece of shared memory. */
const SLOTS = 256
/** Five numbers, then two texts. An acknowledgement subject has 270 letters at most, the id of a task 128. */
const [VERSION, LENGTH, STATE, ATTEMPT, ID_LENGTH] = [0, 1, 2, 3, 4]
const HEAD_BYTES = 20
const TEXT_BYTES = 272
const ID_BYTES = 128
const SLOT_BYTES = HEAD_BYTES + TEXT_BYTES + ID_BYTES
const INTS_PER_SLOT = SLOT_BYTES / 4

/**
 * `assigned`: it waits, has no message that is delivered again, and may be released by the liveness thread, which makes it `released`; `begun`: its handler has begun, and that is
 * not reported yet.
 */
const STATES = ['waiting', 'begun', 'reported', 'assigned', 'released'] as const
const [WAITING, ASSIGNED, RELEASED] = [STATES.indexOf('waiting'), STATES.indexOf('assigned'), STATES.indexOf('released')]
export type SlotState = (typeof STATES)[number]

/** A task that is held, as a slot has it. One that was offered or assigned has nothing to be acknowledged. */
export interface SlotTask {
  readonly ackSubject: string | undefined
  readonly work: { readonly taskId: string; readonly attempt: number }
}

interface Segment {
  readonly numbers: Int32Array
  readonly bytes: Buffer
}

const segmentOf = (memory: SharedArrayBuffer): Segment => ({ numbers: new Int32Array(memory), bytes: Buffer.from(memory) })

/**
 * Tasks and their acknowledgement subjects in memory that the liveness thread reads: to keep a task alive costs a copy of two texts and no message, so that
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

  /** @returns the slot that holds the task from now on */
  take(task: SlotTask): number {
    if (this.#free.length === 0) this.#grow()
    const slot = this.#free.pop() as number
    this.put(slot, task)
    return slot
  }

  /** Replace the texts that a slot holds. */
  put(slot: number, { ackSubject = '', work: { taskId, attempt } }: SlotTask): void {
    const { numbers, bytes } = this.#segments[Math.floor(slot / SLOTS)] as Segment
    const at = (slot % SLOTS) * INTS_PER_SLOT
    Atomics.store(numbers, at + LENGTH, 0)
    Atomics.store(numbers, at + ID_LENGTH, 0)
    Atomics.add(numbers, at + VERSION, 1)
    if (ackSubject.length > TEXT_BYTES || taskId.length > ID_BYTES) return
    bytes.write(ackSubject, at * 4 + HEAD_BYTES, 'latin1')
    bytes.write(taskId, at * 4 + HEAD_BYTES + TEXT_BYTES, 'latin1')
    numbers[at + ATTEMPT] = attempt
    Atomics.store(numbers, at + LENGTH, ackSubject.length)
    Atomics.store(numbers, at + ID_LENGTH, taskId.length)
  }

  mark(slot: number, state: SlotState): void {
    const { numbers } = this.#segments[Math.floor(slot / SLOTS)] as Segment
    Atomics.store(numbers, (slot % SLOTS) * INTS_PER_SLOT + STATE, STATES.indexOf(state))
  }

  /** Ends the time in which the thread may release an assigned task. @returns whether it has not: of both threads one has the task */
  keep(slot: number): boolean {
    const { numbers } = this.#segments[Math.floor(slot / SLOTS)] as Segment
    return Atomics.compareExchange(numbers, (slot % SLOTS) * INTS_PER_SLOT + STATE, ASSIGNED, WAITING) !== RELEASED
  }

  release(slot: number): void {
    const { numbers } = this.#segments[Math.floor(slot / SLOTS)] as Segment
    const at = (slot % SLOTS) * INTS_PER_SLOT
    Atomics.store(numbers, at + LENGTH, 0)
    Atomics.store(numbers, at + ID_LENGTH, 0)
    Atomics.store(numbers, at + STATE, 0)
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

/** The thread's side: finds the subjects that have been held for some rounds, and the tasks in a state. Needs no clock that both threads share. */
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
        const version = Atomics.load(segment.numbers, at + VERSION)
        const length = Atomics.load(segment.numbers, at + LENGTH)
        const isSame = length > 0 && seen[slot] === version
        const round = isSame ? (rounds[slot] ?? 0) + 1 : 0
        seen[slot] = version
        rounds[slot] = round
        if (round < FIRST_AFTER || (round - FIRST_AFTER) % THEN_EVERY !== 0) continue
        const from = at * 4 + HEAD_BYTES
        const text = segment.bytes.toString('latin1', from, from + length)
        // The main thread may have written it in between: then it is another subject, and young.
        if (Atomics.load(segment.numbers, at + VERSION) === version && Atomics.load(segment.numbers, at + LENGTH) === length) due.push(text)
      }
    }
    return due
  }

  /** Tasks that are held in this state. To be called while the main thread stands still: it writes nothing then. */
  held(state: SlotState): SlotTask[] {
    const found: SlotTask[] = []
    for (const {
      segment: { numbers, bytes },
    } of this.#segments)
      for (let at = 0; at < SLOTS * INTS_PER_SLOT; at += INTS_PER_SLOT) {
        if (Atomics.load(numbers, at + ID_LENGTH) === 0 || STATES[Atomics.load(numbers, at + STATE)] !== state) continue
        found.push(taskAt({ numbers, bytes }, at))
      }
    return found
  }

  /** Takes assigned tasks that wait from the main thread, which may go on at any moment: it cannot begin them any more. */
  release(): SlotTask[] {
    const released: SlotTask[] = []
    for (const { segment } of this.#segments)
      for (let at = 0; at < SLOTS * INTS_PER_SLOT; at += INTS_PER_SLOT) {
        const { numbers } = segment
        if (Atomics.load(numbers, at + STATE) !== ASSIGNED) continue
        const version = Atomics.load(numbers, at + VERSION)
        const task = taskAt(segment, at)
        if (Atomics.compareExchange(numbers, at + STATE, ASSIGNED, RELEASED) !== ASSIGNED) continue
        if (Atomics.load(numbers, at + VERSION) === version) released.push(task)
        // The main thread has put another task here meanwhile, so it goes on. If it sees this as a release, its coordinator finds that nobody has the task.
        else Atomics.compareExchange(numbers, at + STATE, RELEASED, ASSIGNED)
      }
    return released
  }
}

function taskAt({ numbers, bytes }: Segment, at: number): SlotTask {
  const [length, idLength] = [Atomics.load(numbers, at + LENGTH), Atomics.load(numbers, at + ID_LENGTH)]
  const from = at * 4 + HEAD_BYTES
  const id = from + TEXT_BYTES
  return {
    ackSubject: length === 0 ? undefined : bytes.toString('latin1', from, from + length),
    work: { taskId: bytes.toString('latin1', id, id + idLength), attempt: numbers[at + ATTEMPT] as number },
  }
}
