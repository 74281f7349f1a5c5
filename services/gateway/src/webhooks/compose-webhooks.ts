import type { Clock } from '@carillon/runtime'
import type { WebhookStore } from '@carillon/store'
import type { GatewayTrail } from '../audit/gateway-trail.ts'
import type { HttpController } from '../http/http-controller.ts'
import type { CallMesh } from '../mesh/call-mesh.ts'
import { ManageWebhooks } from './manage-webhooks.ts'
import { TakeDelivery } from './take-delivery.ts'
import { webhooksController } from './webhooks.controller.ts'

export interface WebhookOptions {
  readonly trail: GatewayTrail
  readonly webhooks: WebhookStore
  readonly mesh: CallMesh
  readonly clock: Clock
  /** Where people reach the gateway, if that is known. */
  readonly origin: string | undefined
}

/** The room of webhooks, put together. */
export function composeWebhooks({ webhooks, trail, mesh, clock, origin }: WebhookOptions): HttpController {
  const manageWebhooks = new ManageWebhooks({ webhooks, clock })
  const takeDelivery = new TakeDelivery({ webhooks, mesh, clock })
  return webhooksController({ manageWebhooks, takeDelivery, trail, mesh, origin })
}
