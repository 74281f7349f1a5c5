import type { Messages } from '../en/messages.ts'
import { grouped } from '../plural.ts'

export const calendars: Messages['calendars'] = {
  title: '日历',
  create: '新建日历',
  nothing: '还没有日历。调度用它来避开某些日期，例如节假日。',
  name: '名称',
  description: '描述',
  days: '日期',
  daysHint: '格式如 2030-12-25，每行一个，也可以粘贴 iCalendar 文本。',
  icsHint: 'iCalendar 文本：取其中的全天事件。',
  file: '从文件读取',
  span: (count, first, last) => `${grouped(count)} 天，${first} 至 ${last}`,
  warnings: '警告',
  changed: '修改于',
  removeTitle: (name) => `删除 ${name}`,
  removeText: '使用它的调度将不再避开这些日期。',
}
