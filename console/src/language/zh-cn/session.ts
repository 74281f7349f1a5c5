import type { Messages } from '../en/messages.ts'

export const session: Messages['session'] = {
  title: '登录',
  name: '名称',
  password: '密码',
  signIn: '登录',
  signingIn: '正在登录…',
  with: (provider) => `使用 ${provider} 登录`,
  or: '或',
  notSetUp: '还没有账户。首次启动时会打印一个用于创建管理员账户的链接；`carillon admin link` 可以打印新的链接。',
  welcomeTitle: '设置名称和密码',
  welcomeText: '此链接只能使用一次，用于创建您的账户。',
  create: '创建账户',
  repeat: '再次输入密码',
  mismatch: '两次输入的密码不一致。',
  passwordRule: '至少 12 个字符。一句短话比符号更容易记住。',
  expired: '会话已结束，请重新登录。',
  needsRole: (role) => `需要角色：${role}`,
  noNamespace: '您的账户在任何命名空间中都没有角色。请联系管理员。',
  roles: { viewer: '查看者', operator: '操作员', developer: '开发者', admin: '管理员' },
}
