const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

const admitsMethod = (said: string, method: string): boolean => {
  if (said === 'WS' || method === 'WS') return said === method
  if (!methods.includes(method)) return false
  return said === '*' || said === method || (said === 'GET' && method === 'HEAD')
}

/** Whether `GET /v1/*` admits a request: both cut at each slash, and laid beside each other. */
export const admits = (pattern: string, method: string, path: string): boolean => {
  const [said = '', shape = ''] = pattern.split(' ')
  const [none, ...segments] = path.split('/')
  if (!admitsMethod(said, method) || none !== '' || segments.length === 0) return false
  const wanted = shape.split('/').slice(1)
  const open = wanted.at(-1) === '**'
  if (open) wanted.pop()
  if (open ? segments.length < wanted.length + 1 : segments.length !== wanted.length) return false
  return wanted.every((want, index) => (want === '*' ? segments[index] !== '' : want === segments[index]))
}
