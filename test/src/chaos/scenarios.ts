import type { Scenario } from './scenario.ts'
import { brokerAway, brokerKill, brokerWipe } from './scenarios/broker.ts'
import { clockJump } from './scenarios/clocks.ts'
import { coordinatorKill, coordinatorStop } from './scenarios/coordinators.ts'
import { logFlood, reconnectStorm } from './scenarios/crowds.ts'
import { everythingKill, everythingSleeps } from './scenarios/everything.ts'
import { executorKill, executorStop } from './scenarios/executors.ts'
import { neighbours } from './scenarios/neighbours.ts'
import { networkCut, networkHalfOpen, networkSlow } from './scenarios/network.ts'
import { storeKill } from './scenarios/store.ts'

/** In this order. */
export const SCENARIOS: readonly Scenario[] = [
  executorKill,
  executorStop,
  coordinatorKill,
  coordinatorStop,
  brokerKill,
  brokerAway,
  brokerWipe,
  everythingKill,
  everythingSleeps,
  networkCut,
  networkHalfOpen,
  networkSlow,
  storeKill,
  reconnectStorm,
  logFlood,
  neighbours,
  clockJump,
]
