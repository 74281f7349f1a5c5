import { CALLS } from '@carillon/contracts'
import { Answers } from '@carillon/runtime'
import { Controller, Inject } from '@nestjs/common'
import type { CheckHealth } from './check-health.ts'

@Controller()
export class HealthController {
  @Inject('CheckHealth') private readonly health!: CheckHealth
  @Inject('Rebuild') private readonly rebuilds!: () => Promise<number>

  @Answers(CALLS.coordinatorHealth)
  check() {
    return this.health.execute()
  }

  @Answers(CALLS.coordinatorRebuild)
  async rebuild() {
    return { published: await this.rebuilds() }
  }
}
