//! What the hub refuses, as problem documents.

use domain::placement::Problem as Wrong;
use hub::{ConfigureError, HubError, PersonError};
use web::Problem;

/// The hub could not: logged, not told.
pub(crate) fn hub(error: HubError) -> Problem {
    Problem::internal(error)
}

/// The store could not: logged, not told.
pub(crate) fn store(error: storage::StoreError) -> Problem {
    Problem::internal(error)
}

/// A change of configuration that was not made; `rename` turns the hub's places into paths of the request.
pub(crate) fn configure(error: ConfigureError, rename: impl Fn(Wrong) -> Wrong) -> Problem {
    match error {
        ConfigureError::Invalid(problems) => {
            Problem::from(problems.into_iter().map(rename).collect::<Vec<_>>())
        }
        ConfigureError::ChangedMeanwhile => {
            let words =
                "Somebody else changed the configuration meanwhile; load it again and repeat the change.";
            Problem::conflict("changed_meanwhile", words)
        }
        ConfigureError::Hub(error) => hub(error),
    }
}

/// Something cannot be removed: the rules that its absence would break.
pub(crate) fn remove(error: ConfigureError) -> Problem {
    match error {
        ConfigureError::Invalid(problems) => {
            let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Problem::conflict("in_use", words.join("; "))
        }
        other @ (ConfigureError::ChangedMeanwhile | ConfigureError::Hub(_)) => {
            configure(other, |wrong| wrong)
        }
    }
}

/// A person's wish that was not carried out.
pub(crate) fn person(error: PersonError) -> Problem {
    match error {
        PersonError::NotFound(_) => Problem::not_found(),
        PersonError::Invalid(problems) => Problem::from(problems),
        PersonError::Conflict(words) => Problem::conflict("wrong_state", words),
        PersonError::Hub(error) => hub(error),
    }
}
