/** Picks that count: of a job that runs often the last few minutes, of another one weeks. */
const WINDOW = 1_000

/** Which instances the last tasks of a job, or of a handler called directly, were given to. */
export class PickMemory {
  readonly #recent: string[] = []
  #first = 0
  readonly #counts = new Map<string, number>()
  /** Of an instance that joined: what the least used one had then, and the number of the pick. */
  readonly #bases = new Map<string, { readonly count: number; readonly since: number }>()
  readonly #lastPick = new Map<string, number>()
  #picks = 0
  last: string | undefined

  /** @param picked earlier picks, oldest first */
  constructor(picked: readonly string[] = []) {
    for (const instance of picked) this.add(instance)
  }

  add(instance: string): void {
    this.last = instance
    this.#picks++
    this.#lastPick.set(instance, this.#picks)
    this.#counts.set(instance, (this.#counts.get(instance) ?? 0) + 1)
    if (this.#recent.push(instance) - this.#first <= WINDOW) return
    const oldest = this.#recent[this.#first++] as string
    this.#counts.set(oldest, (this.#counts.get(oldest) as number) - 1)
    if (this.#first < WINDOW) return
    this.#recent.splice(0, this.#first)
    this.#first = 0
    this.#forgetUnused()
  }

  /** When an instance was picked last; 0: not within memory. */
  lastPickOf(instance: string): number {
    return this.#lastPick.get(instance) ?? 0
  }

  /**
   * How often each of these instances was picked within the window. One that has just joined begins with the count of the least used one, or it would be
   * given everything until it had caught up; what it was credited fades out over one window.
   */
  countsOf(instances: readonly string[]): number[] {
    const isKnown = (instance: string) => this.#counts.has(instance) || this.#bases.has(instance)
    const known = instances.filter(isKnown).map((instance) => this.#countOf(instance))
    const least = known.length > 0 ? Math.min(...known) : 0
    for (const instance of instances) if (!isKnown(instance)) this.#bases.set(instance, { count: least, since: this.#picks })
    return instances.map((instance) => this.#countOf(instance))
  }

  #countOf(instance: string): number {
    const { count, since } = this.#bases.get(instance) ?? { count: 0, since: 0 }
    return (this.#counts.get(instance) ?? 0) + count * Math.max(0, 1 - (this.#picks - since) / WINDOW)
  }

  /** Instances come and go: what nothing is left of is forgotten. */
  #forgetUnused(): void {
    for (const [instance, count] of this.#counts) if (count === 0) this.#counts.delete(instance)
    for (const [instance, pick] of this.#lastPick) if (this.#picks - pick > WINDOW) this.#lastPick.delete(instance)
    for (const [instance, { since }] of this.#bases) if (this.#picks - since > WINDOW) this.#bases.delete(instance)
  }
}
