//! The pair of keys that push services know this server by: made once, the same for all processes.

use super::Result;
use crate::{
    app::App,
    store::devices::{self, PushKeys},
    web_push,
};

/// Makes the keys unless there are some: what each start does.
pub async fn prepare(app: &App) -> Result<()> {
    if devices::push_keys(&app.store).await?.is_none() {
        let (private_key, public_key) = web_push::new_keys();
        devices::insert_push_keys(&app.store, &PushKeys { private_key, public_key }, app.now()).await?;
    }
    Ok(())
}

/// The keys, once a start has made them.
pub async fn find(app: &App) -> Result<Option<PushKeys>> {
    Ok(devices::push_keys(&app.store).await?)
}
