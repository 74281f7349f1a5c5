import type { Messages } from '../en/messages.ts'
import { grouped } from '../plural.ts'

export const logs: Messages['logs'] = {
  title: '日志',
  filters: '筛选',
  text: '消息或字段中的文字',
  job: '任务',
  instance: '实例',
  level: '级别',
  range: '写入时间',
  time: '时间',
  run: '运行',
  message: '消息',
  shown: (count) => `${grouped(count)} 行，最新的在前`,
  byRun: '按运行排列，最新的运行在前',
  searchedBackTo: '已搜索至',
  searchOn: '继续搜索',
  nothing: '没有符合条件的日志。',
  nothingYet: '目前尚未找到。',
}
