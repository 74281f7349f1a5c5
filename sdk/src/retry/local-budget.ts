/** Local tries that are possible at once: a service that starts, or makes few calls, is not held back. */
const BURST = 20
/** Of the calls that may be tried again by their caller: more of them are a storm, which keeps down what they call. */
const SHARE = 0.2

/**
 * How many further tries the callers in this process may make: each call earns a share of one, each further try costs one. Where none is left, a failed call goes to the mesh at
 * once, which has a budget of its own; first tries always pass.
 */
export class LocalBudget {
  #tokens = BURST

  earn(): void {
    this.#tokens = Math.min(BURST, this.#tokens + SHARE)
  }

  /** Whether a further try is possible; then it is paid for. */
  spend(): boolean {
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
