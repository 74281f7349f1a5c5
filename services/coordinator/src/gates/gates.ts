import { AdvanceGates } from './advance-gates.ts'
import { ArrivedRuns } from './arrived-runs.ts'
import { CheckGates } from './check-gates.ts'
import { CoalesceRuns } from './coalesce-runs.ts'
import { GateHints, type GateHintsOptions } from './gate-hints.ts'
import type { KeyExpressions } from './keys.ts'
import { MoveRuns } from './move-runs.ts'
import { PlaceRuns } from './place-runs.ts'
import { RecheckGates } from './recheck-gates.ts'
import { WakeGates } from './wake-gates.ts'

type Options = Omit<ConstructorParameters<typeof AdvanceGates>[0], 'arrivedRuns' | 'moveRuns'> &
  ConstructorParameters<typeof CoalesceRuns>[0] &
  Omit<GateHintsOptions, 'check' | 'arrivedRuns'> & { expressions: KeyExpressions }

/** The parts of the room that others use. */
export function gatesOf(options: Options) {
  const arrivedRuns = new ArrivedRuns(options)
  const check = new CheckGates({
    advance: new AdvanceGates({ ...options, arrivedRuns, moveRuns: new MoveRuns(options) }),
    coalesce: new CoalesceRuns(options),
    log: options.log,
  })
  const gateHints: GateHints = new GateHints({ ...options, arrivedRuns, check })
  const recheckGates = new RecheckGates({ ...options, gateHints })
  return {
    gateHints,
    recheckGates,
    waitingChecks: new WakeGates({ ...options, gateHints }),
    placement: new PlaceRuns({ ...options, gateHints }),
  }
}
