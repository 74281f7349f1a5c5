/** What a page of ours may load: nothing inline, nothing from elsewhere. Stored text that slips into a page as HTML has no script to run. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "object-src 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
].join('; ')

/** Of every answer. @param isEncrypted people reach the gateway by https */
export function securityHeaders(isEncrypted: boolean): Readonly<Record<string, string>> {
  return {
    // What may be kept says so itself.
    'cache-control': 'no-store',
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    ...(isEncrypted ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  }
}
