import { type CarillonError, isEnded, type LogView, type RunView, type StartedRun } from '@carillon/contracts'
import { now } from '../clock.ts'
import { logText, missingText } from '../output/log-text.ts'
import { runText } from '../output/run-text.ts'
import { harmless, type Terminal } from '../output/terminal.ts'
import type { LogListener } from './log-follower.ts'
import type { RunListener } from './run-watch.ts'

/** Shows a run to a person as it goes: each change once, and its log lines. For programs and with `quiet` it says nothing. */
export class RunPrinter implements RunListener, LogListener {
  readonly #terminal: Terminal
  readonly #isSilent: boolean
  #lastState = ''
  #lastProgress = ''

  constructor(terminal: Terminal, quiet: boolean) {
    this.#terminal = terminal
    this.#isSilent = quiet || terminal.json
  }

  began(started: StartedRun): void {
    const what = started.created ? 'run' : 'there already, by its key: run'
    this.#say(`${what} ${this.#terminal.paint('strong', started.runId)}`)
  }

  /** An end is shown by `ended`, when the last log lines have been. */
  view(view: RunView): void {
    if (!isEnded(view.state)) this.#change(view)
    this.#progress(view)
  }

  ended(view: RunView): void {
    this.#change(view)
  }

  #change(view: RunView): void {
    const { state, message, attempt, instance } = view
    const isNews = JSON.stringify([state, message, attempt, instance]) !== this.#lastState
    this.#lastState = JSON.stringify([state, message, attempt, instance])
    // Nearly every run is queued for a moment: worth a line only with a reason.
    if (isNews && (state !== 'queued' || message !== undefined)) this.#say(runText(this.#terminal, view, now()))
  }

  away(error: CarillonError): void {
    this.#say(this.#terminal.paint('warning', `${error.message}; waiting for it`))
  }

  line(line: LogView): void {
    this.#say(logText(this.#terminal, line, now()))
  }

  missing(count: number): void {
    this.#say(missingText(this.#terminal, count))
  }

  #progress({ state, progress }: RunView): void {
    const text = progress && state === 'running' ? `${Math.round(progress.percent)} %${progress.note ? ` ${progress.note}` : ''}` : ''
    if (text !== '' && text !== this.#lastProgress) this.#say(this.#terminal.paint('quiet', harmless(text)))
    this.#lastProgress = text
  }

  #say(line: string): void {
    if (!this.#isSilent) this.#terminal.print(line)
  }
}
