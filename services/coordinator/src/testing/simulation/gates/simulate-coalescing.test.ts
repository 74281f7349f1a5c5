import { COALESCING_FAULTS } from './coalescing-faults.ts'
import { explore } from './explore.ts'
import { CoalescingSimulation } from './simulate-coalescing.ts'

explore('debounce, throttle and batches: each trigger starts, or another run for it, by the rule', {
  play: (options) => new CoalescingSimulation(options).run(),
  share: 1 / 5,
  faults: COALESCING_FAULTS,
})
