/** What has been started, to be stopped in reverse order. */
export class Stack {
  readonly #stops: { name: string; stop: () => unknown }[] = []
  /** What is being stopped now. */
  stopping = ''

  /** Remembers how to stop something. */
  add(name: string, stop: () => unknown): void {
    this.#stops.push({ name, stop })
  }

  /** Stops everything, the last first. What does not stop does not keep the others running: `failed` is called. */
  async stop(failed: (name: string, error: unknown) => void): Promise<void> {
    for (const { name, stop } of this.#stops.splice(0).reverse()) {
      this.stopping = name
      try {
        await stop()
      } catch (error) {
        failed(name, error)
      }
    }
  }
}
