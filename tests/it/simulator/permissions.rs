//! Nothing may ever be called that template.yml does not let the function do.

use super::world::World;
use crate::account::Record;

impl World {
    /// No call was denied but for what the story says.
    pub fn check_permissions(&self) {
        if let Some(call) = self.account.unknown_calls().first() {
            self.breach(format!("the account does not know {call}"));
        }
        // What is denied under a bare name is a role that is not there (see the account's `authorise`), and one that was
        // just made can't be passed at once.
        let denied = self.account.denied_calls().into_iter().find(|call| {
            let Record { fault, outcome, .. } = call;
            let text = format!("{outcome:?}");
            let is_too_early = self.story.settling > 0 && text.contains("iam:PassRole");
            fault.is_none() && !text.contains("resource: role ") && !is_too_early
        });
        if let Some(call) = denied {
            self.breach(format!("template.yml does not allow {call}"));
        }
    }
}
