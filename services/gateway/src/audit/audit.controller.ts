import { checkName, parseInput } from '@carillon/contracts'
import { pageThatFits } from '@carillon/runtime'
import type { AuditStore } from '@carillon/store'
import * as z from 'zod'
import type { HttpController } from '../http/http-controller.ts'
import { recordView } from './rules/records.ts'

const whole = z.coerce.number().int()
const querySchema = z.strictObject({
  /** The id of an account, as `user/<id>`, or the name by which a client calls. */
  actor: z.string().min(1).max(200).optional(),
  /** As `jobs.put`. */
  action: z.string().min(1).max(129).optional(),
  cursor: z.string().max(400).optional(),
  limit: whole.min(1).max(1_000).default(100),
})
/** Records of what concerns accounts and no namespace. */
const EVERYWHERE = '*'

/** The audit log, for admins: it names people and addresses. */
export const auditController = (audit: AuditStore): HttpController => ({
  name: 'Audit',
  routes: [
    {
      method: 'GET',
      path: '/api/v1/namespaces/{namespace}/audit',
      allowed: 'admin',
      about: {
        ...{ id: 'auditList', tag: 'audit', summary: 'Who has changed what, newest first' },
        query: querySchema,
        answer: z.object({ items: z.array(z.record(z.string(), z.unknown())), next: z.string().optional() }),
      },
      handle: async (request) => {
        const { namespace: given } = request.params as { namespace: string }
        const namespace = given === EVERYWHERE ? given : checkName('namespace', given)
        const query = { ...parseInput(querySchema, request.query, 'query'), namespace }
        return {
          body: await pageThatFits(
            (maxBytes) => audit.list({ ...query, maxBytes }),
            (records) => records.map(recordView),
          ),
        }
      },
    },
  ],
})
