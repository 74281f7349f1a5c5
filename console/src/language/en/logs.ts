import { grouped } from '../plural.ts'

export const logs = {
  title: 'Logs',
  filters: 'Filters',
  text: 'Text in the message or the fields',
  job: 'Job',
  instance: 'Instance',
  level: 'Level',
  range: 'Written',
  time: 'Time',
  run: 'Run',
  message: 'Message',
  shown: (count: number) => `${grouped(count)} lines, newest first`,
  byRun: 'By run, the newest run first',
  searchedBackTo: 'Searched back to',
  searchOn: 'Search on',
  nothing: 'No line matches.',
  nothingYet: 'Nothing was found so far.',
}
