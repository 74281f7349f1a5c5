// Free of schemas: the console loads it.

/** Where alerts are sent to. */
export const CHANNEL_KINDS = ['email', 'webhook', 'slack', 'dingtalk', 'wecom', 'feishu', 'nats'] as const
export type ChannelKind = (typeof CHANNEL_KINDS)[number]

/** Of the messages that people read. */
export const MESSAGE_LANGUAGES = ['en', 'zh-CN'] as const
export type MessageLanguage = (typeof MESSAGE_LANGUAGES)[number]

/** What is written and never read. */
export const SECRET_FIELDS: Readonly<Record<ChannelKind, readonly string[]>> = {
  email: ['password'],
  webhook: ['url', 'secrets'],
  slack: ['url'],
  dingtalk: ['url', 'secret'],
  wecom: ['url'],
  feishu: ['url', 'secret'],
  nats: [],
}

/** Those of them without which nothing can be sent. */
export const NEEDED_SECRETS: Readonly<Record<ChannelKind, readonly string[]>> = {
  ...SECRET_FIELDS,
  email: [],
  dingtalk: ['url'],
  feishu: ['url'],
}
