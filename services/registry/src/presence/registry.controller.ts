import { CALLS, type CallOutput, type CallRequest } from '@carillon/contracts'
import { Answers, Hears, type Request, type Signal } from '@carillon/runtime'
import { Controller, Inject } from '@nestjs/common'
import { checkHealth } from '../health/check-health.ts'
import type { RegistryParts } from '../parts.ts'
import { registerInstance } from '../registration/register-instance.ts'
import { removeInstance } from '../registration/remove-instance.ts'
import { hearBeat } from './hear-beat.ts'
import { listInstances } from './list-instances.ts'

/** Token of the `RegistryParts`. */
export const PARTS = 'registry-parts'

@Controller()
export class RegistryController {
  @Inject(PARTS) private readonly parts!: RegistryParts

  @Answers(CALLS.instancesRegister)
  register(request: Request<CallRequest<typeof CALLS.instancesRegister>>): Promise<CallOutput<typeof CALLS.instancesRegister>> {
    return registerInstance(this.parts, request.namespace, request.input)
  }

  @Answers(CALLS.instancesLeave)
  leave(request: Request<CallRequest<typeof CALLS.instancesLeave>>): Promise<CallOutput<typeof CALLS.instancesLeave>> {
    return removeInstance(this.parts, request.namespace, request.input)
  }

  @Answers(CALLS.instancesList)
  list(request: Request<CallRequest<typeof CALLS.instancesList>>): CallOutput<typeof CALLS.instancesList> {
    return listInstances(this.parts, request.namespace, request.input)
  }

  @Answers(CALLS.registryHealth)
  health(): Promise<CallOutput<typeof CALLS.registryHealth>> {
    return checkHealth(this.parts)
  }

  @Hears('beat.*')
  beat(signal: Signal): Promise<void> {
    const [instance = ''] = signal.tokens
    return hearBeat(this.parts, { namespace: signal.namespace, instance }, signal.body)
  }
}
