import type { Report } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import type { SimulatedBroker } from './broker.ts'
import type { MortalCoordinators } from './coordinators.ts'
import type { Random } from './random.ts'

interface Options {
  readonly random: Random
  readonly broker: SimulatedBroker
  readonly coordinators: MortalCoordinators
  readonly isCalm: () => boolean
  /** Reports are acknowledged before they are applied. */
  readonly losesReports: boolean
}

/** Brings reports to coordinators: several batches at once, some once more. */
export class ReportDelivery {
  readonly #given: Options
  /** Those of instances that were declared lost, and others that come again. */
  readonly #late: { readonly instance: string; readonly report: Report }[] = []

  constructor(options: Options) {
    this.#given = options
  }

  /** It may come late, as long as the run is there. */
  mayBeLate(instance: string, report: Report): void {
    this.#late.push({ instance, report })
  }

  sayLate(): void {
    const report = this.#given.random.pick(this.#late)
    if (report) this.#given.broker.report(report.instance, report.report)
  }

  async apply(): Promise<void> {
    const batches = this.#given.random.chance(0.5) ? 2 : 1
    await Promise.all(Array.from({ length: batches }, () => this.#applySome()))
    await settle()
  }

  async #applySome(): Promise<void> {
    const { random, broker, coordinators, isCalm, losesReports } = this.#given
    const batch = broker.reports.splice(0, 1 + random.below(4))
    if (batch.length === 0) return
    broker.unacknowledged += batch.length
    const done = await coordinators.with(({ applyReports }) => applyReports.execute(batch).then(() => true))
    broker.unacknowledged -= batch.length
    const again = done === undefined || (!isCalm() && random.chance(0.1))
    if (again && !(losesReports && done === undefined)) broker.reports.unshift(...batch)
  }
}
