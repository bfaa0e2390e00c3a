const mostBytes = 1_048_576
const withinMs = 5_000

/**
 * A JSON document of the identity provider. Throws on anything but a 200 of at most 1 MB that is all there within 5 s;
 * redirects are not followed.
 */
export const fetchJson = async (url: string): Promise<unknown> => {
  const response = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(withinMs),
  })
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel()
    throw new Error(`the provider answered ${response.status}`)
  }
  const chunks: Uint8Array[] = []
  let size = 0
  // Leaving the loop cancels what is still to come.
  for await (const chunk of response.body) {
    size += chunk.length
    if (size > mostBytes) throw new Error(`the provider's answer is longer than ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  return JSON.parse(Buffer.concat(chunks).toString()) as unknown
}
