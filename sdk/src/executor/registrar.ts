import { CALLS, CarillonError, type Registered, type Registration, subjects } from '@carillon/contracts'
import { type Clock, jitter, pause } from '@carillon/wire/internal'
import type { Caller } from '../client/caller.ts'
import type { LastMessage } from '../connection/confirmed-publisher.ts'
import type { OnWarning } from '../warning.ts'

export interface RegistrarOptions {
  readonly caller: Caller
  readonly clock: Clock
  readonly registration: Registration
  readonly onWarning: OnWarning
  readonly onRegistered: (registered: Registered) => void
  /** Another process has taken the name, while this one was silent. */
  readonly onTaken: () => void
}

const TRIES_BEFORE_WARNING = 3
const LONGEST_PAUSE_MS = 5_000
/** Several reasons to register again may occur at once. */
const GATHER_MS = 200

/** Registers this executor, repeatedly until a registry answers, and again whenever that may be needed. */
export class Registrar {
  readonly #options: RegistrarOptions
  readonly #closing = new AbortController()
  #again: Promise<void> | undefined
  #isKnown = false

  constructor(options: RegistrarOptions) {
    this.#options = options
  }

  /** @throws CarillonError when the registry refuses the registration */
  async register(): Promise<void> {
    const { caller, clock, registration, onWarning } = this.#options
    for (let tries = 1; !this.#closing.signal.aborted; tries++) {
      try {
        const registered = await caller.call(CALLS.instancesRegister, registration, { signal: this.#closing.signal })
        if (this.#closing.signal.aborted) return
        this.#isKnown = true
        this.#options.onRegistered(registered)
        return
      } catch (error) {
        if (this.#closing.signal.aborted) return
        if (!CarillonError.is(error) || !error.retry) throw error
        if (tries === TRIES_BEFORE_WARNING) {
          onWarning({ code: 'registration-delayed', message: `Not registered yet, still trying: ${error.message}` })
        }
      }
      await pause(clock, jitter(Math.min(100 * 2 ** tries, LONGEST_PAUSE_MS)), this.#closing.signal)
    }
  }

  /** Register again in the background: the registry or the broker may have lost the registration. */
  again(): void {
    this.#again ??= this.#registerAgain().finally(() => {
      this.#again = undefined
    })
  }

  /** Leave, if registered: then the instance is removed without waiting for its silence. */
  async leave(timeoutMs: number): Promise<void> {
    if (!this.#isKnown) return
    const { instance, session } = this.#options.registration
    await this.#options.caller.call(CALLS.instancesLeave, { instance, session }, { timeoutMs })
  }

  /** The same as a message, for the end of the process. */
  get goodbye(): LastMessage {
    const { caller, registration } = this.#options
    const { instance, session } = registration
    const { noun, verb } = CALLS.instancesLeave
    return { subject: subjects.api(caller.namespace, noun, verb), payload: JSON.stringify({ instance, session }), headers: [] }
  }

  stop(): void {
    this.#closing.abort()
  }

  async #registerAgain(): Promise<void> {
    await pause(this.#options.clock, jitter(GATHER_MS), this.#closing.signal)
    try {
      await this.register()
    } catch (error) {
      const { code, message } = CarillonError.from(error)
      const isTaken = code === 'INSTANCE_TAKEN'
      this.#options.onWarning({ code: isTaken ? 'instance-taken' : 'registration-delayed', message: `The registry refused us: ${message}` })
      if (isTaken) this.#options.onTaken()
    }
  }
}
