import { explore } from './explore.ts'
import { GATE_FAULTS } from './gate-faults.ts'
import { GateSimulation } from './simulate-gates.ts'

explore('runs of a job with limits: never more at once than may be, in order, and all of them', {
  play: (options) => new GateSimulation(options).run(),
  share: 1 / 10,
  faults: GATE_FAULTS,
})
