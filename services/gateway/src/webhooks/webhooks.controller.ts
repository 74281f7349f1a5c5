import { checkName, parseInput } from '@carillon/contracts'
import type { FastifyRequest } from 'fastify'
import * as z from 'zod'
import type { GatewayTrail } from '../audit/gateway-trail.ts'
import { originOf } from '../http/call-routes.ts'
import { type HttpController, principalOf, type Route, type RouteAbout } from '../http/http-controller.ts'
import type { CallMesh } from '../mesh/call-mesh.ts'
import type { ManageWebhooks } from './manage-webhooks.ts'
import { webhookView } from './rules/secrets.ts'
import type { TakeDelivery } from './take-delivery.ts'

const PATH = '/api/v1/namespaces/{namespace}/jobs/{job}/webhook'

const addSchema = z.strictObject({
  /** Of a sender that makes its own, as Stripe does; default: one is made. */
  secret: z
    .string()
    .regex(/^[\x21-\x7e]{16,256}$/, 'Use 16 to 256 letters, digits and signs without spaces.')
    .optional(),
})
const viewSchema = z.object({
  job: z.string(),
  url: z.string(),
  secrets: z.array(z.object({ id: z.string(), createdAt: z.string() })),
  by: z.string().exactOptional(),
  createdAt: z.string(),
  updatedAt: z.string(),
})
const madeSchema = viewSchema.extend({ secret: z.string() })
const startedSchema = z.object({ runId: z.string(), created: z.boolean() })

export interface WebhookCases {
  readonly manageWebhooks: ManageWebhooks
  readonly takeDelivery: TakeDelivery
  readonly trail: GatewayTrail
  readonly mesh: CallMesh
  /** Where people reach the gateway, if that is known. */
  readonly origin: string | undefined
}

export const webhooksController = (cases: WebhookCases): HttpController => ({
  name: 'Webhooks',
  routes: [readRoute(cases), addRoute(cases), removeRoute(cases), deliveryRoute(cases)],
})

const about = (id: string, summary: string, more: Partial<RouteAbout> = {}): RouteAbout => ({ id, summary, tag: 'webhooks', ...more })

function ofPath(params: unknown): { namespace: string; job: string } {
  const { namespace, job } = params as Record<string, string>
  return { namespace: checkName('namespace', namespace), job: checkName('job', job) }
}

const readRoute = ({ manageWebhooks, origin }: WebhookCases): Route => ({
  method: 'GET',
  path: PATH,
  allowed: 'developer',
  about: about('webhooksGet', 'The webhook of a job, without its secrets', { answer: viewSchema }),
  handle: async ({ params }) => {
    const { namespace, job } = ofPath(params)
    return { body: webhookView(await manageWebhooks.get(namespace, job), origin) }
  },
})

const addRoute = ({ manageWebhooks, trail, mesh, origin }: WebhookCases): Route => ({
  method: 'POST',
  path: PATH,
  allowed: 'developer',
  about: about('webhooksAdd', 'Make a secret of a job’s webhook, which is shown this once; the one before it stays valid beside it', {
    body: addSchema,
    answer: madeSchema,
    status: 201,
  }),
  handle: async (request) => {
    const { namespace, job } = ofPath(request.params)
    const { secret: given } = parseInput(addSchema, request.body ?? {})
    const by = principalOf(request).name
    await mesh.call({ name: 'jobsGet', namespace, input: { name: job }, by, origin: originOf(request) })
    const { webhook, secret } = await manageWebhooks.add({ namespace, job, by }, given)
    await keep(trail, request, 'webhooks.add')
    return { status: 201, headers: { 'cache-control': 'no-store' }, body: { ...webhookView(webhook, origin), secret } }
  },
})

const removeRoute = ({ manageWebhooks, trail }: WebhookCases): Route => ({
  method: 'DELETE',
  path: PATH,
  allowed: 'developer',
  about: about('webhooksRemove', 'Remove the webhook of a job: no delivery is taken any more', { status: 204 }),
  handle: async (request) => {
    const { namespace, job } = ofPath(request.params)
    await manageWebhooks.remove(namespace, job)
    await keep(trail, request, 'webhooks.remove')
    return { status: 204 }
  },
})

/** A secret is a credential: who makes or removes one is in the audit log. */
function keep(trail: GatewayTrail, request: FastifyRequest, action: string): Promise<void> {
  const { namespace, job } = ofPath(request.params)
  const { account, address = null, requestId = null } = originOf(request)
  const who = { actorId: account, actor: principalOf(request).name, via: 'http', address, requestId }
  return trail.keep({ action, namespace, resource: job, outcome: 'done', ...who })
}

const deliveryRoute = ({ takeDelivery }: WebhookCases): Route => ({
  method: 'POST',
  path: '/hooks/{namespace}/{job}',
  allowed: 'anyone',
  body: 'raw',
  about: about('webhooksDeliver', 'A signed delivery of another system: it starts a run of the job with its body as payload', {
    answer: startedSchema,
    status: 201,
    otherStatus: 200,
  }),
  handle: async (request) => {
    const { namespace = '', job = '' } = request.params as Record<string, string>
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const started = await takeDelivery.execute({
      namespace,
      job,
      headers: request.headers,
      body,
      origin: { account: `webhook/${job}`.slice(0, 200), address: request.ip, requestId: request.id },
    })
    return { status: started.created ? 201 : 200, body: { runId: started.runId, created: started.created } }
  },
})
