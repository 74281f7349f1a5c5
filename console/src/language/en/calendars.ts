import { counted } from '../plural.ts'

export const calendars = {
  title: 'Calendars',
  create: 'New calendar',
  nothing: 'No calendars yet. Schedules use them to leave out days, such as holidays.',
  name: 'Name',
  description: 'Description',
  days: 'Days',
  daysHint: 'As 2030-12-25, one a line. An iCalendar text is read, too.',
  icsHint: 'An iCalendar text: its all-day events.',
  file: 'From a file',
  span: (count: number, first: string, last: string) => `${counted(count, 'day', 'days')}, ${first} to ${last}`,
  warnings: 'Warnings',
  changed: 'Changed',
  removeTitle: (name: string) => `Remove ${name}`,
  removeText: 'Schedules that name it no longer leave out its days.',
}
