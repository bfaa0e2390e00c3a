/**
 * The fields of a hash, each with its value, by pages of HSCAN: one may come twice where the hash changes meanwhile. The next
 * page is on its way while one is worked on.
 */
export async function* scanHash(
  read: (cursor: string) => Promise<[cursor: string, fields: string[]]>,
): AsyncGenerator<readonly [string, string]> {
  const page = (cursor: string) => {
    const coming = read(cursor)
    // Whoever stops reading, or fails meanwhile, does not wait for it.
    coming.catch(() => undefined)
    return coming
  }
  let coming: ReturnType<typeof page> | undefined = page('0')
  while (coming !== undefined) {
    const [cursor, fields]: [string, string[]] = await coming
    coming = cursor === '0' ? undefined : page(cursor)
    for (let index = 0; index < fields.length; index += 2)
      yield [fields[index] as string, fields[index + 1] as string]
  }
}
