import type { IndexDescription } from 'mongodb'

const DUE: IndexDescription = { name: 'due', key: { wakeAt: 1, _id: 1 }, partialFilterExpression: { wakeAt: { $gte: 0 } } }
const BY_NAME: IndexDescription = { name: 'by-name', key: { namespace: 1, name: 1 } }

/** Alerts: rules, channels, incidents, and what is sent about them. */
export const alerts: Readonly<Record<string, readonly IndexDescription[]>> = {
  alertRules: [BY_NAME, DUE],
  alertChannels: [BY_NAME],
  incidents: [
    DUE,
    { name: 'listed', key: { namespace: 1, isShown: 1, openedAt: -1, _id: -1 } },
    { name: 'in-state', key: { namespace: 1, isShown: 1, isCurrent: 1, openedAt: -1, _id: -1 } },
    { name: 'of-rule', key: { namespace: 1, rule: 1, isShown: 1, openedAt: -1, _id: -1 } },
    { name: 'of-rule-in-state', key: { namespace: 1, rule: 1, isShown: 1, isCurrent: 1, openedAt: -1, _id: -1 } },
    { name: 'current', key: { namespace: 1, rule: 1, _id: 1 }, partialFilterExpression: { isCurrent: 1 } },
    { name: 'over', key: { lastAt: 1, _id: 1 }, partialFilterExpression: { isCurrent: 0 } },
  ],
  deliveries: [
    DUE,
    { name: 'waiting', key: { channel: 1, at: 1, _id: 1, wakeAt: 1 }, partialFilterExpression: { wakeAt: { $gte: 0 } } },
    { name: 'by-age', key: { at: 1, _id: 1 } },
  ],
}
