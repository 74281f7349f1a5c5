import { BSON, type Document, type IndexDescription, MongoClient } from 'mongodb'

type Line =
  | { readonly collection: string; readonly indexes: IndexDescription[] }
  | { readonly collection: string; readonly document: Document }

/** A database of MongoDB as lines of Extended JSON. */
export async function mongodbText(url: string): Promise<string> {
  const client = await MongoClient.connect(url)
  try {
    const lines: Line[] = []
    const names = (await client.db().listCollections().toArray()).map(({ name }) => name)
    for (const collection of names.sort()) {
      const indexes = await client.db().collection(collection).listIndexes().toArray()
      const made = indexes.filter(({ name }) => name !== '_id_').map(({ v: _, ns: __, ...index }) => index as IndexDescription)
      lines.push({ collection, indexes: made })
      for await (const document of client.db().collection(collection).find().sort({ _id: 1 })) lines.push({ collection, document })
    }
    return lines.map((line) => `${BSON.EJSON.stringify(line)}\n`).join('')
  } finally {
    await client.close()
  }
}

export async function restoreMongodb(url: string, text: string): Promise<void> {
  const client = await MongoClient.connect(url)
  try {
    for (const line of text.trimEnd().split('\n')) {
      const { collection: name, ...rest } = BSON.EJSON.parse(line) as Line
      const collection = client.db().collection(name)
      if ('document' in rest) await collection.insertOne(rest.document)
      else {
        await client.db().createCollection(name)
        if (rest.indexes.length > 0) await collection.createIndexes(rest.indexes)
      }
    }
  } finally {
    await client.close()
  }
}
