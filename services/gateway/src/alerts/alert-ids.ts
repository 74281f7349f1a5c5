import { derivedId } from '@carillon/runtime'
import type { Cause } from './rules/facts.ts'

/** What the ids of the incidents of a rule and a cause begin with. */
export const incidentPrefix = (namespace: string, rule: string, { kind, name }: Cause) => derivedId('i', namespace, rule, kind, name)

/** By this a receiver knows that a message is sent again. */
export const messageId = (delivery: string) => derivedId('msg_', delivery)
