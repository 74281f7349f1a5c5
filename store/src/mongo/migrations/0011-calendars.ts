import type { IndexDescription } from 'mongodb'

/** Named lists of days that schedules skip, or outside of which they do not fire. */
export const calendars: Readonly<Record<string, readonly IndexDescription[]>> = {
  calendars: [{ name: 'by-name', key: { namespace: 1, name: 1 } }],
}
